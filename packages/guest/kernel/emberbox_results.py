"""One line of the protocol for each thing that is displayed."""

import base64
import json
import re
from typing import Any

from emberbox_channel import quote
from emberbox_saved import save

# The field of a result that holds each MIME type; all others go into `extra`.
FIELDS = {
    "text/plain": "text",
    "text/html": "html",
    "text/markdown": "markdown",
    "image/svg+xml": "svg",
    "image/png": "png",
    "image/jpeg": "jpeg",
    "application/pdf": "pdf",
    "text/latex": "latex",
    "application/json": "json",
    "application/javascript": "javascript",
}
# Fields and MIME types of structured data that formatters for tables and figures produce.
STRUCTURED = {"e2b/data": "data", "e2b/chart": "chart"}

# The type of plotly's figures.
PLOTLY = "application/vnd.plotly.v1+json"
RESULT = '{"type":"result",'
# Longest line of one result, in bytes.
RESULT_LIMIT = 32 * 1024 * 1024
# Integers beyond become texts: as numbers, JavaScript and others would round them.
MAX_INTEGER = 2**53 - 1
# Digits of an integer that may be beyond.
LONG = re.compile(r"\d{16}")


def update_line(bundle: dict[str, Any], index: int) -> str:
    """The line for the new state of the result before which there were `index`."""
    return '{"type":"result_update","index":%d,%s' % (index, result_line(bundle, False)[len(RESULT) :])


def result_line(bundle: dict[str, Any], main: bool) -> str:
    """The line for a MIME bundle, all ASCII."""
    size = sum(map(length, bundle.values()))
    if size > RESULT_LIMIT:
        return too_large(bundle, size, main)
    fields = []
    extra = []
    for mime, value in bundle.items():
        if mime == "text/plain" and isinstance(value, str):
            fields.append('"text":' + quote(unquoted(value)))
            continue
        field = FIELDS.get(mime) or STRUCTURED.get(mime)
        if field is None:
            extra.append(quote(str(mime)) + ":" + encode(value))
        else:
            fields.append('"%s":%s' % (field, encode(value)))
            total = getattr(value, "total_rows", None)
            if total is not None:
                fields.append('"data_rows":%d' % total)
    if extra:
        fields.append('"extra":{' + ",".join(extra) + "}")
    fields.append('"is_main_result":true' if main else '"is_main_result":false')
    size = sum(map(len, fields))
    if size > RESULT_LIMIT:
        return too_large(bundle, size, main)
    return RESULT + ",".join(fields) + "}\n"


def unquoted(text: str) -> str:
    """The text of a string is its `repr` without the single quotes around it, as in E2B. Nothing else loses any."""
    inner = text[1:-1]
    if len(text) < 2 or text[0] != "'" or text[-1] != "'" or "\n" in inner:
        return text
    if "'" in inner or "\\" in inner:
        rest = inner.replace("\\\\", "").replace("\\'", "")
        if "'" in rest or rest.endswith("\\"):
            return text
    return inner


def encode(value: Any) -> str:
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return '"' + base64.b64encode(value).decode("ascii") + '"'
    try:
        text = json.dumps(value, allow_nan=False, default=text_of, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        return json.dumps(exact(value), default=text_of)
    return json.dumps(exact(value), default=text_of, separators=(",", ":")) if LONG.search(text) else text


def exact(value: Any, depth: int = 0) -> Any:
    """JSON has neither NaN nor infinity, its keys are strings, and most readers of it round long integers."""
    if depth > 50:
        return str(type(value))
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {text_of(key): exact(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [exact(item, depth + 1) for item in value]
    return text_of(value) if isinstance(value, int) and abs(value) > MAX_INTEGER else value


def text_of(value: Any) -> str:
    """A value's own text; a value whose `str` fails costs no more than that text."""
    try:
        return str(value)
    except Exception:
        return str(type(value))


def length(value: Any) -> int:
    """Bytes or characters, for what has them."""
    return len(value) if isinstance(value, (str, bytes, bytearray, memoryview)) else 0


def too_large(bundle: dict[str, Any], size: int, main: bool) -> str:
    """Stands in for a result over the limit: a note, and the largest representation in a file if it can be saved."""
    largest = max(bundle, key=lambda mime: length(bundle[mime]))
    content = bundle[largest]
    if not length(content):
        # Structured data: its JSON is what is large.
        largest = max(bundle, key=lambda mime: len(encode(bundle[mime])))
        content = bundle[largest] if length(bundle[largest]) else encode(bundle[largest])
    path = save(str(largest), content)
    note = "A result of %.1f MB (%s) is over the limit of %d MiB and is not shown. " % (
        size / 1e6,
        ", ".join(map(str, bundle)),
        RESULT_LIMIT // (1024 * 1024),
    )
    note += "Its %s was saved in the sandbox as %s." % (largest, path) if path else "Save it to a file instead."
    return RESULT + '"text":%s,"is_main_result":%s}\n' % (quote(note), "true" if main else "false")


def error_line(name: str, value: str, traceback: str) -> str:
    return '{"type":"error","name":%s,"value":%s,"traceback":%s}\n' % (
        quote(clipped(name)),
        quote(clipped(value)),
        quote(clipped(traceback)),
    )


def clipped(text: str, limit: int = 256 * 1024) -> str:
    """Keeps both ends of a text that is too long."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return "%s\n... %d characters left out ...\n%s" % (text[:half], len(text) - limit, text[-half:])
