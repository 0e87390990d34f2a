"""Unpacks a layer of a container image into a directory, over the layers before it.

Everything in a layer may be hostile. Names are resolved by hand, one part after the other, so that links in the
directory lead to places in it, as they would for a program whose root it is. This runs in a machine that is thrown
away, and is careful all the same: what it makes is what a template begins with.

Arguments: the directory, the layer, and how many bytes and entries there may be. Prints how many there were.
"""

import json
import os
import resource
import shutil
import stat
import subprocess
import sys
import tarfile
from typing import IO, Any

# How many links are followed on the way to one file, as Linux does.
MAX_LINKS = 40
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
# What layers are compressed by, by how they begin.
DECOMPRESSORS = {
    b"\x1f\x8b": ["gzip", "-dc"],
    b"\x28\xb5": [
        # Node reserves more addresses than this program may have.
        *("sh", "-c", 'ulimit -v unlimited; exec node -e "$1"', "sh"),
        "process.stdin.pipe(zlib.createZstdDecompress()).pipe(process.stdout)",
    ],
}
XATTR = "SCHILY.xattr."
MEMORY_BYTES = 768 * 1024 * 1024
CHUNK = 1024 * 1024


class Refused(Exception):
    """Why a layer is not unpacked."""


def parts_of(name: str) -> list[str]:
    """The parts of a name in a layer; also of an absolute one, which means the same. @raises Refused"""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Refused("%r leads out of the image" % name)
    if len(name) > 4000 or any(len(os.fsencode(part)) > 255 for part in parts):
        raise Refused("a name is too long: %r" % name[:100])
    return parts


def inside(root: str, parts: list[str], make: bool = False) -> str:
    """The path of a directory or file, where links lead as if `root` were the root. What is missing may be made."""
    waiting = parts[::-1]
    found: list[str] = []
    links = 0
    while waiting:
        part = waiting.pop()
        if part in ("", "."):
            continue
        if part == "..":
            found = found[:-1]
            continue
        path = os.path.join(root, *found, part)
        try:
            mode = os.lstat(path).st_mode
        except FileNotFoundError:
            if make:
                os.mkdir(path, 0o755)
            mode = 0
        if stat.S_ISLNK(mode):
            links += 1
            if links > MAX_LINKS:
                raise Refused("too many links on the way to %r" % "/".join(parts)[:100])
            target = os.readlink(path)
            if target.startswith("/"):
                found = []
            waiting += target.split("/")[::-1]
        else:
            found.append(part)
    return os.path.join(root, *found)


class Bounded:
    """A stream that ends with an error after so many bytes."""

    def __init__(self, stream: IO[bytes], left: int) -> None:
        self.stream = stream
        self.left = left

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise Refused("the image is too large")
        return data


class Unpacker:
    def __init__(self, root: str, max_bytes: int, max_entries: int) -> None:
        self.root = root
        self.max_bytes = max_bytes
        self.max_entries = max_entries
        self.bytes = self.entries = 0
        # What this layer has made, with the directories above: whiteouts are for what was there before.
        self.made: set[str] = set()
        self.cleared: set[str] = set()

    def layer(self, path: str) -> None:
        # Unbuffered, since another program may read on.
        with open(path, "rb", buffering=0) as file:
            command = DECOMPRESSORS.get(file.read(2))
            file.seek(0)
            if command is None:
                return self.tar(file)
            with subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE) as process:
                assert process.stdout
                try:
                    self.tar(process.stdout)
                    # Whatever follows the archive is not needed, but the end tells whether all of it was sound.
                    rest = Bounded(process.stdout, self.max_bytes)
                    while rest.read(CHUNK):
                        pass
                except BaseException:
                    process.kill()
                    raise
            if process.returncode != 0:
                raise Refused("a layer cannot be decompressed")

    def tar(self, stream: IO[bytes]) -> None:
        # Names and padding come on top of the files.
        bounded: Any = Bounded(stream, self.max_bytes + 2048 * self.max_entries)
        with tarfile.open(fileobj=bounded, mode="r|", errorlevel=2) as archive:
            for member in archive:
                self.entries += 1
                self.bytes += max(0, member.size) if member.isreg() else 0
                if self.entries > self.max_entries:
                    raise Refused("there are too many files in the image")
                if self.bytes > self.max_bytes:
                    raise Refused("the image is too large")
                self.member(archive, member)
                # It would keep all of them.
                setattr(archive, "members", [])

    def member(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        parts = parts_of(member.name)
        if not parts:
            if member.isdir():
                self.dress(self.root, member)
            return
        parent = inside(self.root, parts[:-1], make=True)
        name = parts[-1]
        if name.startswith(WHITEOUT):
            return self.hide(parent, name)
        path = os.path.join(parent, name)
        if member.ischr() or member.isblk():
            # The machine makes its own.
            return
        if member.islnk():
            return self.link(member, path)
        self.clear(path, member)
        if member.isdir():
            if not os.path.lexists(path):
                os.mkdir(path, 0o755)
        elif member.isreg():
            self.file(archive, member, path)
        elif member.issym():
            os.symlink(member.linkname, path)
        elif member.isfifo():
            os.mkfifo(path)
        else:
            raise Refused("%r is of a kind that is not known: %r" % (member.name[:100], member.type))
        self.note(path)
        self.dress(path, member)

    def note(self, path: str) -> None:
        while path != self.root and path not in self.made:
            self.made.add(path)
            path = os.path.dirname(path)

    def clear(self, path: str, member: tarfile.TarInfo) -> None:
        """Removes what is there and is replaced: anything but a directory by a directory."""
        try:
            there = os.lstat(path).st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(there):
            os.unlink(path)
        elif not member.isdir():
            shutil.rmtree(path)

    def file(self, archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
        source = archive.extractfile(member)
        assert source
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with source, open(os.open(path, flags, 0o600), "wb") as target:
            shutil.copyfileobj(source, target, CHUNK)
            if target.tell() != member.size:
                raise Refused("%r is cut short" % member.name[:100])

    def link(self, member: tarfile.TarInfo, path: str) -> None:
        parts = parts_of(member.linkname)
        source = os.path.join(inside(self.root, parts[:-1]), *parts[-1:])
        if not os.path.lexists(source) or stat.S_ISDIR(os.lstat(source).st_mode):
            raise Refused("%r is a link to what is not there" % member.name[:100])
        # Some archives have a file twice, the second time as a link to itself.
        if source != path:
            self.clear(path, member)
            os.link(source, path, follow_symlinks=False)
        self.note(path)

    def hide(self, parent: str, name: str) -> None:
        if name == OPAQUE:
            if parent not in self.cleared:
                self.cleared.add(parent)
                self.sweep(parent)
            return
        hidden = name[len(WHITEOUT) :]
        if hidden in ("", ".", ".."):
            raise Refused("a whiteout hides nothing: %r" % name)
        # Further names of this kind are other tools' own.
        if not hidden.startswith(WHITEOUT):
            self.remove(os.path.join(parent, hidden))

    def sweep(self, directory: str) -> None:
        for entry in list(os.scandir(directory)):
            self.remove(entry.path)

    def remove(self, path: str) -> None:
        """Removes what earlier layers have made."""
        try:
            is_directory = stat.S_ISDIR(os.lstat(path).st_mode)
        except FileNotFoundError:
            return
        if path in self.made:
            if is_directory:
                self.sweep(path)
        elif is_directory:
            shutil.rmtree(path)
        else:
            os.unlink(path)

    def dress(self, path: str, member: tarfile.TarInfo) -> None:
        """Gives it its owner, attributes, mode and time."""
        if os.geteuid() == 0:
            owner = [number if 0 <= number < 2**32 - 1 else 0 for number in (member.uid, member.gid)]
            os.chown(path, owner[0], owner[1], follow_symlinks=False)
        if member.issym():
            return
        capability = member.pax_headers.get(XATTR + "security.capability")
        if capability is not None and os.geteuid() == 0:
            try:
                os.setxattr(path, "security.capability", capability.encode("utf-8", "surrogateescape"))
            except OSError:
                # It names what this kernel does not know; the program works for root.
                pass
        os.chmod(path, member.mode & 0o7777)
        if member.isreg():
            seconds = min(max(0, member.mtime), 2**33)
            os.utime(path, (seconds, seconds))


def main(root: str, layer: str, max_bytes: str, max_entries: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.RLIM_INFINITY))
    sys.setrecursionlimit(5000)
    os.umask(0)
    unpacker = Unpacker(os.path.realpath(root), int(max_bytes), int(max_entries))
    try:
        unpacker.layer(layer)
    except Refused as error:
        sys.exit(str(error))
    except MemoryError:
        sys.exit("a name or an attribute in a layer is too large")
    except (tarfile.TarError, EOFError, ValueError) as error:
        sys.exit("a layer is no archive that can be read: %s" % error)
    except OSError as error:
        sys.exit("a layer cannot be unpacked: %s" % error)
    print(json.dumps({"bytes": unpacker.bytes, "entries": unpacker.entries}))


if __name__ == "__main__":
    main(*sys.argv[1:])
