"""Files for results that are too large to be sent."""

import base64
import os

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
# A larger result is not saved, and older files go, so that results do not fill the disk, `bytes`.
MAX_FILE = 512 * 1024 * 1024
MAX_TOTAL = 1024 * 1024 * 1024
# Written at once; a multiple of 4 for base64.
PIECE = 1024 * 1024


def save(mime, content):
    """Writes a representation to a file of its own; answers its path, or `None` where that failed."""
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
            for start in range(0, len(content), PIECE):
                file.write(binary(mime, content[start : start + PIECE]))
        return path
    except (OSError, ValueError):
        if path is not None:
            os.unlink(path)
        return None


def binary(mime, piece):
    if not isinstance(piece, str):
        return piece
    if mime in ("image/png", "image/jpeg", "application/pdf"):
        return base64.b64decode(piece)
    return piece.encode("utf-8", "backslashreplace")


def create(directory, ending):
    number = 1
    while True:
        path = os.path.join(directory, "result-%d.%s" % (number, ending))
        try:
            return path, open(path, "xb")
        except FileExistsError:
            number += 1


def make_room(directory, size):
    with os.scandir(directory) as listing:
        files = sorted((entry.stat().st_mtime, entry.stat().st_size, entry.path) for entry in listing if entry.is_file())
    total = size + sum(file_size for _, file_size, _ in files)
    while files and total > MAX_TOTAL:
        _, file_size, path = files.pop(0)
        os.unlink(path)
        total -= file_size
