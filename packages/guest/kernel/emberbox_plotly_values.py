"""Converts what plotly's JSON says to what matplotlib takes."""

import base64
import re

import numpy
from matplotlib import colors

COLORS = "#636efa #EF553B #00cc96 #ab63fa #FFA15A #19d3f3 #FF6692 #B6E880 #FF97FF #FECB52".split()
DATE = re.compile(r"^\d{4}-\d\d(-\d\d([T ]\d\d:\d\d.*)?)?$")
TAG = re.compile(r"</?(b|i|em|strong|span|sup|sub)( [^>]*)?>")


class NotDrawable(Exception):
    """It cannot be drawn as plotly would."""


def need(condition):
    if not condition:
        raise NotDrawable


def known(thing, drawn, ignored=""):
    """Refuses settings that are unknown here: the figure would be drawn differently from what its author meant."""
    allowed = set((drawn + " " + ignored).split())
    unknown = [key for key, value in thing.items() if key not in allowed and value is not None]
    if unknown:
        raise NotDrawable(", ".join(unknown))


def values(data):
    """A list of values, or `None`."""
    if data is None:
        return None
    if isinstance(data, dict):
        array = numpy.frombuffer(base64.b64decode(data["bdata"]), numpy.dtype("<" + data["dtype"]))
        shape = [int(part) for part in str(data.get("shape", "-1")).split(",")]
        return array.reshape(shape)
    return data if isinstance(data, numpy.ndarray) else list(data)


def axis_type(data):
    """What plotly makes of an axis with these values: numbers, dates or categories."""
    some = [value for value in list(data)[:1000] if value is not None]
    if not some or all(is_number(value) for value in some):
        return "linear"
    if all(
        isinstance(value, numpy.datetime64) or hasattr(value, "isoformat") or DATE.match(str(value)) for value in some
    ):
        return "date"
    return "category"


def is_number(value):
    if isinstance(value, str):
        try:
            float(value)
            return True
        except ValueError:
            return False
    return isinstance(value, (int, float, numpy.number)) and not isinstance(value, bool)


def numbers(data):
    return numpy.array([numpy.nan if value is None else float(value) for value in data])


def dates(data):
    return numpy.array(
        [numpy.datetime64("NaT") if value is None else numpy.datetime64(clean_date(value)) for value in data]
    )


def clean_date(value):
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return re.sub(r"(Z|[+-]\d\d:?\d\d)$", "", text.replace(" ", "T")) if "T" in text or " " in text else text


def color(value, alpha=None):
    """A colour in CSS notation."""
    if value is None or not isinstance(value, str):
        raise NotDrawable("color")
    match = re.match(r"rgba?\(([^)]*)\)$", value.replace(" ", ""))
    if match:
        parts = [float(part.rstrip("%")) for part in match.group(1).split(",")]
        rgba = (parts[0] / 255, parts[1] / 255, parts[2] / 255, parts[3] if len(parts) > 3 else 1)
    else:
        need(colors.is_color_like(value))
        rgba = colors.to_rgba(value)
    return rgba if alpha is None else (*rgba[:3], rgba[3] * alpha)


def colormap(scale):
    """A list of pairs: a position between 0 and 1, and a colour."""
    need(isinstance(scale, (list, tuple)) and len(scale) > 1)
    stops = [(float(place), color(name)) for place, name in scale]
    return colors.LinearSegmentedColormap.from_list("plotly", stops)


def text(value):
    """A title's or label's text; a figure gives either the text or an object that contains it."""
    if isinstance(value, dict):
        value = value.get("text")
    if value is None:
        return ""
    plain = TAG.sub("", str(value).replace("<br>", "\n"))
    need("<" not in plain)
    return plain.replace("$", r"\$").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def merged(template, own):
    """A figure's own settings, completed from the template."""
    result = dict(template)
    for key, value in own.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result
