"""Files for results that are too large to be sent."""

import base64
import os
from contextlib import suppress
from typing import BinaryIO, Iterator, Optional, Union

DIRECTORY = "~/.emberbox/results"
ENDINGS = {
    "text/plain": "txt",
    "text/html": "html",
    "text/markdown": "md",
    "text/latex": "tex",
    "image/svg+xml": "svg",
    "image/png": "png",
    "image/jpeg": "jpg",
    "application/pdf": "pdf",
    "application/javascript": "js",
}
# A larger result is not saved, and older files are removed, so that results do not fill the disk, in bytes.
MAX_FILE = 512 * 1024 * 1024
MAX_TOTAL = 1024 * 1024 * 1024
# Bytes written at once.
PIECE = 1024 * 1024

# What a representation is made of.
Content = Union[str, bytes, bytearray, memoryview]


def save(mime: str, content: Content) -> Optional[str]:
    """Writes a representation to a file of its own; returns its path, or `None` if that failed."""
    path = None
    try:
        directory = os.path.expanduser(DIRECTORY)
        os.makedirs(directory, exist_ok=True)
        if len(content) > MAX_FILE:
            return None
        make_room(directory, len(content))
        ending = ENDINGS.get(mime) or ("json" if "json" in mime or mime.startswith("e2b/") else "bin")
        path, file = create(directory, ending)
        with file:
            for piece in pieces(mime, content):
                file.write(piece)
        return path
    except (OSError, ValueError):
        if path is not None:
            with suppress(OSError):
                os.unlink(path)
        return None


def pieces(mime: str, content: Content) -> Iterator[Union[bytes, bytearray, memoryview]]:
    encoded = mime in ("image/png", "image/jpeg", "application/pdf")
    rest = ""
    for start in range(0, len(content), PIECE):
        piece = content[start : start + PIECE]
        if not isinstance(piece, str):
            yield piece
        elif not encoded:
            yield piece.encode("utf-8", "backslashreplace")
        else:
            # Base64 may be broken into lines of any length: four of its characters are three bytes.
            digits = rest + "".join(piece.split())
            whole = len(digits) // 4 * 4
            yield base64.b64decode(digits[:whole])
            rest = digits[whole:]
    yield base64.b64decode(rest)


def create(directory: str, ending: str) -> tuple[str, BinaryIO]:
    number = 1
    while True:
        path = os.path.join(directory, "result-%d.%s" % (number, ending))
        try:
            return path, open(path, "xb")
        except FileExistsError:
            number += 1


def make_room(directory: str, size: int) -> None:
    with os.scandir(directory) as listing:
        files = sorted(
            (entry.stat().st_mtime, entry.stat().st_size, entry.path) for entry in listing if entry.is_file()
        )
    total = size + sum(file_size for _, file_size, _ in files)
    while files and total > MAX_TOTAL:
        _, file_size, path = files.pop(0)
        os.unlink(path)
        total -= file_size
