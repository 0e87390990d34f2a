"""A `print` whose text is one write, so that no message ends in the middle of it.

Python's own writes each value, each separator and the end by itself, and what reads the pipe may come in between.
"""

import builtins
import functools
import sys
from typing import Any, Callable, Optional

from emberbox_channel import Streams

# What a pipe takes in one piece, in bytes. A longer text would only be copied for it.
WHOLE = 4096


def install(streams: Streams) -> None:
    setattr(builtins, "print", in_one_write(builtins.print, streams))


def in_one_write(original: Callable[..., None], streams: Streams) -> Callable[..., None]:
    @functools.wraps(original)
    def print(
        *values: Any, sep: Optional[str] = " ", end: Optional[str] = "\n", file: Any = None, flush: bool = False
    ) -> None:
        __tracebackhide__ = True
        stream = getattr(sys, "stdout", None) if file is None else file
        texts = isinstance(sep, (str, type(None))) and isinstance(end, (str, type(None)))
        if not texts or (stream is not streams.out and stream is not streams.err):
            # Whoever replaced the stream may count writes, and mistakes have Python's own messages.
            return original(*values, sep=sep, end=end, file=file, flush=flush)
        written = [*map(str, values)]
        if sum(map(len, written)) > WHOLE:
            return original(*written, sep=sep, end=end, file=file, flush=flush)
        stream.write((" " if sep is None else sep).join(written) + ("\n" if end is None else end))
        if flush:
            stream.flush()

    return print
