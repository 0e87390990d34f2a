"""The columns of a data frame, as E2B gives them: `{column: [value, ...]}`."""

import sys

MAX_ROWS = 10_000
MAX_COLUMNS = 500
# Values, and characters of their texts, of one table.
MAX_CELLS = 20_000
MAX_CHARACTERS = 4 * 1024 * 1024


class Table(dict):
    """Columns, and how many rows there are in all if some are left out."""

    total_rows = None


def table_of(frame):
    """The table of a DataFrame or a Series; a Series brings its index along if it means something."""
    if frame.ndim == 1:
        plain = type(frame.index).__name__ == "RangeIndex"
        named = frame.rename("value") if frame.name is None else frame
        frame = named.to_frame() if plain else named.iloc[:MAX_ROWS].to_frame().reset_index()
        return limited(frame, len(named))
    return limited(frame, len(frame))


def limited(frame, total):
    width = len(frame.columns)
    if width > MAX_COLUMNS:
        return None
    rows = min(len(frame), MAX_ROWS, MAX_CELLS // max(1, width))
    while True:
        table = Table()
        for index, name in enumerate(frame.columns):
            table[unique(name_of(name), table)] = column_of(frame.iloc[:rows, index])
        size = sum(len(value) for column in table.values() for value in column if isinstance(value, str))
        if size <= MAX_CHARACTERS:
            break
        if rows == 0:
            return None
        rows //= 4
    if rows < total:
        table.total_rows = total
    return table


def name_of(name):
    return " ".join(map(str, name)) if isinstance(name, tuple) else str(name)


def unique(name, table):
    if name not in table:
        return name
    count = 1
    while "%s.%d" % (name, count) in table:
        count += 1
    return "%s.%d" % (name, count)


def column_of(series):
    values = series.to_numpy()
    kind = values.dtype.kind
    if kind in "iub":
        return values.tolist()
    if kind == "f":
        items, isfinite = values.tolist(), sys.modules["numpy"].isfinite
        return items if isfinite(values).all() else [item if item - item == 0 else None for item in items]
    if kind == "M":
        numpy = sys.modules["numpy"]
        whole = (values == values.astype("datetime64[s]")) | numpy.isnat(values)
        texts = numpy.datetime_as_string(values, unit="s" if whole.all() else "auto").tolist()
        return [None if text == "NaT" else text for text in texts]
    if kind == "O":
        return [value_of(item) for item in values.tolist()]
    return [None if missing else str(item) for item, missing in zip(series, series.isna().tolist())]


def value_of(item):
    if item is None or isinstance(item, (str, bool, int)):
        return item
    if isinstance(item, float):
        return item if item - item == 0 else None
    if isinstance(item, (list, tuple, dict, set)):
        return str(item)
    if type(item).__name__ in ("NaTType", "NAType"):
        return None
    if hasattr(item, "isoformat"):
        return item.isoformat()
    if isinstance(item, sys.modules["numpy"].generic):
        return value_of(item.item())
    return str(item)
