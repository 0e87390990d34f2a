"""Values, ticks and the scale of one axis of a figure, as JSON can hold them."""

import numpy
from matplotlib.category import StrCategoryConverter
from matplotlib.dates import get_epoch
from matplotlib.ticker import FixedLocator

MAX_TICKS = 200
MAX_TEXT = 500


def clipped(text):
    text = str(text)
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"


def number(value):
    """A number that JSON can hold, or `None`."""
    value = float(value)
    return value if value - value == 0 else None


class AxisReader:
    def __init__(self, axis):
        self.axis = axis
        self.frequency = getattr(axis.axes, "freq", None) if axis.axis_name == "x" else None
        # Since matplotlib 3.10 there is a function for it, and the attribute warns.
        converter = axis.get_converter() if hasattr(axis, "get_converter") else axis.converter
        kind = type(converter).__name__
        self.categories = isinstance(converter, StrCategoryConverter)
        self.dates = "Date" in kind or "Period" in kind or self.frequency is not None
        labels = axis.get_majorticklabels()[:MAX_TICKS]
        self.locations = [float(location) for location in axis.get_majorticklocs()[:MAX_TICKS]]
        self.texts = [clipped(label.get_text()) for label in labels]
        self.named = not self.dates and (self.categories or self._has_names())
        self.scale = self._scale()

    def _has_names(self):
        """Whether the ticks were given texts of their own, as when categories are drawn by hand."""
        if not isinstance(self.axis.get_major_locator(), FixedLocator):
            return False
        return any(text and as_number(text) != location for location, text in zip(self.locations, self.texts))

    def _scale(self):
        if self.dates:
            return "datetime"
        scale = self.axis.get_scale()
        if scale != "linear":
            return scale
        counted = all(location == index for index, location in enumerate(self.locations))
        return "categorical" if self.categories or (self.named and counted) else "linear"

    def ticks(self):
        if self.dates:
            return self._moments(self.locations), self.texts
        return [number(location) for location in self.locations], self.texts

    def values(self, values):
        array = numpy.ma.filled(values, numpy.nan) if numpy.ma.isMaskedArray(values) else numpy.asarray(values)
        if array.dtype.kind == "M":
            texts = numpy.datetime_as_string(array.astype("datetime64[s]")).tolist()
            return [None if text == "NaT" else text for text in texts]
        if array.dtype.kind == "m":
            array = numpy.where(numpy.isnat(array), numpy.nan, array.astype(float))
        if array.dtype.kind in "fiub":
            items = array.tolist()
            if self.dates:
                return self._moments(items)
            if self.categories:
                names = {place: name for name, place in self.axis.units._mapping.items()}
                return [clipped(names.get(item, item)) for item in items]
            if array.dtype.kind == "f" and not numpy.isfinite(array).all():
                return [item if item - item == 0 else None for item in items]
            return items
        return [self._value(item) for item in array.tolist()]

    def _value(self, item):
        if isinstance(item, str):
            return clipped(item)
        if hasattr(item, "to_timestamp"):
            item = item.to_timestamp()
        if item is None or item != item:
            return None
        if hasattr(item, "isoformat"):
            return item.isoformat()
        try:
            return self._moments([item])[0] if self.dates else number(item)
        except (TypeError, ValueError):
            return clipped(item)

    def _moments(self, items):
        if self.frequency is not None:
            return [self._moment(item) for item in items]
        # All at once: matplotlib's own way costs a third of a millisecond for each.
        days = numpy.asarray(items, dtype=float)
        known = numpy.isfinite(days) & (abs(days) < 1e8)
        times = numpy.round(numpy.where(known, days, 0) * 86_400_000).astype("timedelta64[ms]")
        moments = numpy.datetime64(get_epoch(), "ms") + times
        unit = "s" if (moments == moments.astype("datetime64[s]")).all() else "ms"
        texts = numpy.datetime_as_string(moments, unit=unit).tolist()
        return [text if real else None for text, real in zip(texts, known.tolist())]

    def _moment(self, item):
        """ISO 8601 in UTC, without an offset."""
        try:
            if self.frequency is not None:
                from pandas import Period

                return Period(ordinal=int(item), freq=self.frequency).to_timestamp().isoformat()
            return self._moments([item])[0]
        except (ValueError, OverflowError):
            return None

    def label(self, place):
        """How an axis labels a place: its name, its moment, or its number."""
        if self.named and self.locations:
            nearest = min(range(len(self.locations)), key=lambda index: abs(self.locations[index] - place))
            if nearest < len(self.texts) and self.texts[nearest]:
                return self.texts[nearest]
        if self.dates:
            return str(self._moment(place))
        return "%.6g" % place

    def range_label(self, start, end):
        return self.label((start + end) / 2) if self.named else self.label(start) + " to " + self.label(end)


def as_number(text):
    try:
        return float(text.replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        return None
