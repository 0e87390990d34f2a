import io

from exported import FileNotFoundException, FilesystemEventType, FileType
from method import Context, equal, method, rejects, until


@method("files.read")
def read(context: Context) -> None:
    files, path = context.sandbox.files, f"{context.directory}/read.txt"
    files.write(path, "häß")
    equal(files.read(path), "häß")
    equal(bytes(files.read(path, format="bytes")), "häß".encode())
    equal(b"".join(files.read(path, format="stream")), "häß".encode())
    equal(files.read(path, gzip=True), "häß")
    rejects(FileNotFoundException, lambda: files.read(f"{context.directory}/none"))
    files.write(path, "")
    equal(files.read(path), "")


@method("files.write")
def write(context: Context) -> None:
    files, path = context.sandbox.files, f"{context.directory}/deep/er/file"
    info = files.write(path, b"\0bytes")
    equal((info.name, info.path, FileType(info.type)), ("file", path, FileType.FILE))
    files.write(path, io.BytesIO(b"stream"))
    equal(files.read(path), "stream")
    files.write(path, "hi", user="root", gzip=True)
    equal((files.get_info(path).size, files.read(path)), (2, "hi"))


@method("files.write_files")
def write_files(context: Context) -> None:
    paths = [f"{context.directory}/{name}" for name in "ab"]
    written = context.sandbox.files.write_files([{"path": path, "data": path[-1]} for path in paths])
    equal([info.path for info in written], paths)
    equal(context.sandbox.files.read(paths[1]), "b")


@method("files.list")
def list_(context: Context) -> None:
    files, directory = context.sandbox.files, context.directory
    files.write(f"{directory}/one/two/three", "")
    equal([entry.name for entry in files.list(directory)], ["one"])
    equal([entry.name for entry in files.list(directory, depth=3)], ["one", "two", "three"])
    rejects(FileNotFoundException, lambda: files.list(f"{directory}/none"))


@method("files.make_dir")
def make_dir(context: Context) -> None:
    equal(context.sandbox.files.make_dir(f"{context.directory}/new/one"), True)
    equal(context.sandbox.files.make_dir(f"{context.directory}/new/one"), False)


@method("files.rename")
def rename(context: Context) -> None:
    files, old, new = context.sandbox.files, f"{context.directory}/old", f"{context.directory}/new"
    files.write(old, "x")
    equal(files.rename(old, new).path, new)
    equal(files.exists(old), False)


@method("files.remove")
def remove(context: Context) -> None:
    context.sandbox.files.write(f"{context.directory}/tree/leaf", "x")
    context.sandbox.files.remove(f"{context.directory}/tree")
    equal(context.sandbox.files.exists(f"{context.directory}/tree"), False)


@method("files.exists")
def exists(context: Context) -> None:
    equal(context.sandbox.files.exists(context.directory), True)
    equal(context.sandbox.files.exists(f"{context.directory}/none"), False)


@method("files.get_info")
def get_info(context: Context) -> None:
    files, directory = context.sandbox.files, context.directory
    files.write(f"{directory}/target", "12345")
    context.sandbox.commands.run("ln -s target link", cwd=directory)
    info = files.get_info(f"{directory}/target")
    found = (info.size, info.owner, info.permissions, info.type)
    equal(found, (5, "user", "-rw-r--r--", FileType.FILE))
    equal(files.get_info(f"{directory}/link").symlink_target, f"{directory}/target")
    rejects(FileNotFoundException, lambda: files.get_info(f"{directory}/none"))


@method("files.watch_dir")
def watch_dir(context: Context) -> None:
    seen = []
    watch = context.sandbox.files.watch_dir(context.directory, recursive=True)
    context.sandbox.files.write(f"{context.directory}/watched", "x")

    def is_seen() -> bool:
        seen.extend((event.type, event.name) for event in watch.get_new_events())
        return (FilesystemEventType.CREATE, "watched") in seen

    until("there is no event", is_seen)
    watch.stop()
