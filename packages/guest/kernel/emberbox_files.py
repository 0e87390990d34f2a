"""Which files a cell made: the directory before and after, bounded in entries and depth."""

import json
import os
from typing import Optional

from emberbox_channel import quote

MAX_ENTRIES = 10_000
MAX_DEPTH = 8
MAX_REPORTED = 1000
# Directories that tools fill; hidden ones are skipped too.
PASSED_OVER = {"node_modules", "__pycache__"}
# MIME types by file name extension, in lower case.
types: dict[str, str] = {}


class Snapshot:
    """Size and time of every regular file in a directory tree; links are not followed."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        # By path: size, time of the last change, number of the inode.
        self.files: dict[str, tuple[int, int, int]] = {}
        self.complete = True
        entries = 0
        waiting = [(directory, 0)]
        while waiting:
            path, depth = waiting.pop()
            try:
                with os.scandir(path) as listing:
                    for entry in listing:
                        if entry.name.startswith(".") or entry.name in PASSED_OVER:
                            continue
                        entries += 1
                        if entries > MAX_ENTRIES:
                            self.complete = False
                            return
                        self.add(entry, depth, waiting)
            except OSError:
                continue

    def add(self, entry: "os.DirEntry[str]", depth: int, waiting: list[tuple[str, int]]) -> None:
        try:
            if entry.is_dir(follow_symlinks=False):
                if depth < MAX_DEPTH:
                    waiting.append((entry.path, depth + 1))
                else:
                    self.complete = False
            elif entry.is_file(follow_symlinks=False):
                stat = entry.stat(follow_symlinks=False)
                self.files[entry.path] = stat.st_size, stat.st_mtime_ns, stat.st_ino
        except OSError:
            pass


def snapshot() -> Optional[Snapshot]:
    """A snapshot of the working directory, or `None` if it no longer exists."""
    try:
        return Snapshot(os.getcwd())
    except OSError:
        return None


def files_line(before: Snapshot) -> str:
    """The protocol's line for what has changed since then."""
    after = Snapshot(before.directory)
    # If the tree was not seen whole, a file that looks new may only have been missed before.
    changes = [
        (path, known, before.files.get(path)) for path, known in after.files.items() if known != before.files.get(path)
    ]
    if not before.complete:
        changes = [change for change in changes if change[2] is not None]
    changes.sort()
    truncated = not before.complete or not after.complete or len(changes) > MAX_REPORTED
    files = ",".join(
        '{"path":%s,"size":%d,"mime_type":%s,"change":"%s"}'
        % (quote(readable(path)), known[0], quote(mime_type(path)), "created" if earlier is None else "modified")
        for path, known, earlier in changes[:MAX_REPORTED]
    )
    return '{"type":"files","files":[%s],"truncated":%s}\n' % (files, "true" if truncated else "false")


def readable(path: str) -> str:
    """A path as text, with replacement characters for bytes that are not UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


def mime_type(path: str) -> str:
    ending = os.path.splitext(path)[1][1:].lower()
    return types.get(ending, "application/octet-stream")


def load_types(directory: str = os.path.dirname(__file__)) -> None:
    """Reads the types that the build wrote, so that all languages report the same type for a file."""
    with open(os.path.join(directory, "mime-types.json"), encoding="utf-8") as file:
        types.update(json.load(file))
