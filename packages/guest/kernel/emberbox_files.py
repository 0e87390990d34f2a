"""Which files a cell made: the directory before and after, bounded in entries and depth."""

import mimetypes
import os
from json.encoder import encode_basestring_ascii as quote

MAX_ENTRIES = 10_000
MAX_DEPTH = 8
MAX_REPORTED = 1000
# Directories that tools fill; hidden ones are passed over too.
PASSED_OVER = {"node_modules", "__pycache__"}
TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".feather": "application/vnd.apache.arrow.file",
    ".ipynb": "application/x-ipynb+json",
    ".md": "text/markdown",
    ".jsonl": "application/jsonl",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}


class Snapshot:
    """Size and time of every regular file in a directory's tree, links not followed."""

    def __init__(self, directory):
        self.directory = directory
        self.files = {}
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

    def add(self, entry, depth, waiting):
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


def snapshot():
    """Of the working directory, or `None` where there is none any more."""
    try:
        return Snapshot(os.getcwd())
    except OSError:
        return None


def files_line(before):
    """The protocol's line for what has changed since."""
    after = Snapshot(before.directory)
    # Of a tree that was not seen whole, a file that is new here may just not have been reached.
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


def readable(path):
    """A path whose bytes are not UTF-8 has replacements in their place."""
    return os.fsencode(path).decode("utf-8", "replace")


def mime_type(path):
    ending = os.path.splitext(path)[1].lower()
    if ending in TYPES:
        return TYPES[ending]
    kind, encoding = mimetypes.guess_type(path)
    return {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}.get(
        encoding, kind or "application/octet-stream"
    )
