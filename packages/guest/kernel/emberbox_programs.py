"""Programs that cells start, apart from IPython's part in it."""

import os
import re
import subprocess
import sys
from typing import IO, Any, Iterator, Optional, Union

NAME = re.compile(r"\$(\$?[\w.]+)")


def system(command: Union[str, bytes, "os.PathLike[str]"]) -> int:
    """`os.system`, except that an interrupt ends it. C's function ignores interrupts while it waits."""
    __tracebackhide__ = True
    sys.audit("os.system", os.fsencode(command))
    code = subprocess.call(os.fsencode(command), shell=True, close_fds=False)
    return code << 8 if code >= 0 else -code


def run_script(
    command: list[str], script: str, stdout: Optional[int] = None, stderr: Optional[int] = None
) -> tuple[int, Optional[str], Optional[str]]:
    """Gives a program its script on standard input; returns its status, and what it printed where that is piped."""
    __tracebackhide__ = True
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stdout, stderr=stderr) as process:
        try:
            out, err = process.communicate(script.encode("utf-8", "replace"))
        except BaseException:
            process.kill()
            process.wait()
            raise
    return process.returncode, decoded(out), decoded(err)


def decoded(data: Optional[bytes]) -> Optional[str]:
    return None if data is None else data.decode("utf-8", "replace")


def piped(name: Optional[str], stream: Optional[IO[Any]], own: IO[Any]) -> Optional[int]:
    """A pipe if the output is for a variable, or for what the code put in the place of our stream."""
    return subprocess.PIPE if name or stream is not own else None


def variables(literal: str) -> Iterator[tuple[str, Optional[str]]]:
    """The names after a `$`, each with the text before it, then the rest. In single quotes, `$` is for the shell.

    `DollarFormatter` has the same rules, in time that grows with the square of the text's length.
    """
    text, start, seen, quotes = "", 0, 0, literal.count("'")
    for match in NAME.finditer(literal):
        quotes -= literal.count("'", seen, match.end())
        seen = match.end()
        if quotes % 2:
            continue
        text += literal[start : match.start()]
        start = match.end()
        name = match[1]
        if name.startswith("$"):
            text += name
        else:
            yield text, name
            text = ""
    yield text + literal[start:], None
