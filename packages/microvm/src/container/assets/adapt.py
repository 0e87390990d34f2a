"""Makes of an unpacked container image what a sandbox's machine can boot.

It adds the account `user`, what the first processes rely on, the kernel's modules, and below /opt/emberbox the agent's
own programs: of an image nobody knows which of them it has, and in which version. They are those of the machine that
this runs in, with their libraries and a loader that looks for libraries only there. Nothing of the image is run.

Arguments: the directory, the image's PATH, USER and WORKDIR. Prints the name of the account that its programs run as.
Fails with the reason for an image that cannot be used.
"""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from typing import Iterable, Optional

from unpack import Refused, inside

TOOLS = "/opt/emberbox"
USER = "user"
LOADERS = {"x86_64": "/lib64/ld-linux-x86-64.so.2", "aarch64": "/lib/ld-linux-aarch64.so.1"}
LOADER = LOADERS[platform.machine()]
# Programs of the agent and of the machine's first processes, by what they are called.
PROGRAMS = {
    "tini": "tini",
    "node": "node",
    "python3": "python3",
    "ip": "ip",
    "nft": "nft",
    "modprobe": "kmod",
    "resize2fs": "resize2fs",
}
# What else they start: busybox has it where the image does not.
APPLETS = ("mount", "mknod", "mkfifo", "ln", "mkdir", "cat")
# What cells of Python need and an image may lack; none of it is compiled.
PACKAGES = (
    "IPython traitlets matplotlib_inline prompt_toolkit pygments wcwidth stack_data executing asttokens pure_eval "
    "decorator.py pexpect ptyprocess pickleshare.py typing_extensions.py"
).split()
DIST_PACKAGES = "/usr/lib/python3/dist-packages"
# What `egress.py` imports, with everything that is loaded before it.
IMPORTS = """
import json, os, socket, subprocess, sys
for module in list(sys.modules.values()):
    print(getattr(module, "__file__", None) or "")
"""
HOSTS = "127.0.0.1\tlocalhost\n127.0.1.1\temberbox\n::1\tlocalhost ip6-localhost ip6-loopback\n"


class Image:
    """An unpacked image. Paths are the image's own, and links in it lead to places in it."""

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root)

    def path(self, name: str) -> str:
        return inside(self.root, name.split("/"))

    def made(self, name: str) -> str:
        """A directory, made if it is missing."""
        path = inside(self.root, name.split("/"), make=True)
        if not os.path.isdir(path):
            raise Refused("%s is no directory" % name)
        return path

    def has(self, name: str) -> bool:
        return os.path.lexists(self.path(name))

    def read(self, name: str, limit: int = 1024 * 1024) -> str:
        path = self.path(name)
        if not os.path.isfile(path):
            return ""
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(limit)

    def write(self, name: str, text: str, mode: int = 0o644) -> None:
        """Replaces what is there, whatever it is, except a directory."""
        self.made(os.path.dirname(name))
        path = self.path(name)
        if os.path.lexists(path):
            os.unlink(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(path, flags, mode), "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        os.chmod(path, mode)


def check(image: Image) -> None:
    """@raises Refused for what cannot become a sandbox"""
    release = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', image.read("etc/os-release"), re.M))
    kinds = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    name = release.get("PRETTY_NAME") or release.get("ID") or "of no distribution that it names"
    if not kinds & {"debian", "ubuntu"}:
        raise Refused("it is %s: images have to be made of Debian or Ubuntu, such as `python:3.13-slim`" % name[:100])
    missing = [path for path in ("/bin/sh", "/bin/bash", "/usr/bin/find", "/bin/mv") if not image.has(path)]
    if missing:
        raise Refused(
            "it lacks %s: it has no shell to work with (a distroless image, perhaps); begin with one that has"
            % " and ".join(missing)
        )


def account_of(image: Image, given: str) -> str:
    """The name of the account that USER means; one that has only a number gets a name."""
    name = given.split(":")[0]
    if name in ("", "0"):
        return USER if name == "" else "root"
    accounts = [line.split(":") for line in image.read("etc/passwd").splitlines() if line.count(":") == 6]
    for account in accounts:
        if name in (account[0], account[2]):
            return account[0]
    if not re.fullmatch(r"[1-9]\d{0,8}", name):
        raise Refused("it runs as %r, and has no such account" % name[:64])
    append(image, "etc/passwd", "user-%s:x:%s:%s::/:/bin/sh" % (name, name, name), 0o644)
    return "user-" + name


def add_user(image: Image) -> None:
    """As in the default template, but for the number, which the image may have given to somebody else."""
    names = {line.split(":")[0] for line in image.read("etc/passwd").splitlines()}
    if USER not in names:
        taken = set(re.findall(r"^[^:]*:[^:]*:(\d+):", image.read("etc/passwd") + image.read("etc/group"), re.M))
        number = next(n for n in range(1000, 60000) if str(n) not in taken)
        append(image, "etc/passwd", "%s:x:%d:%d::/home/%s:/bin/bash" % (USER, number, number, USER), 0o644)
        append(image, "etc/group", "%s:x:%d:" % (USER, number), 0o644)
        append(image, "etc/shadow", "%s:*:19000:0:99999:7:::" % USER, 0o640)
        append(image, "etc/gshadow", "%s:!::" % USER, 0o640)
    else:
        line = next(line for line in image.read("etc/passwd").splitlines() if line.startswith(USER + ":"))
        number = int(re.fullmatch(r"\d{1,9}", line.split(":")[2]) and line.split(":")[2] or 1000)
    home = image.made("home/%s" % USER)
    os.chown(home, number, number)
    if image.has("etc/sudoers.d"):
        image.write("etc/sudoers.d/%s" % USER, "%s ALL=(ALL) NOPASSWD:ALL\n" % USER, 0o440)


def append(image: Image, name: str, line: str, mode: int) -> None:
    text = image.read(name)
    image.write(name, text + ("\n" if text and not text.endswith("\n") else "") + line + "\n", mode)


def configure(image: Image) -> None:
    for directory in ("dev", "proc", "sys", "run", "tmp", "var/tmp", "etc", "root", "etc/ssl/certs"):
        path = image.made(directory)
        if directory.endswith("tmp"):
            os.chmod(path, 0o1777)
    image.write("etc/hostname", "emberbox\n")
    image.write("etc/hosts", HOSTS)
    image.write("etc/resolv.conf", "nameserver 127.0.0.1\n")
    image.write("etc/machine-id", "")
    # The image's own would set PATH, and so undo what its ENV says.
    with open("/etc/profile", encoding="utf-8") as file:
        image.write("etc/profile", file.read())
    if not image.has("usr/sbin/policy-rc.d"):
        image.write("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)


def add_modules(image: Image) -> None:
    release = os.uname().release
    directory = os.path.join(image.made("lib/modules"), release)
    if not os.path.lexists(directory):
        shutil.copytree("/lib/modules/" + release, directory, symlinks=True)


def libraries(path: str) -> list[str]:
    """The libraries that a program or library needs, and those that they need."""
    listed = subprocess.run([LOADER, "--list", path], capture_output=True, text=True).stdout
    return re.findall(r"=> (/\S+)", listed)


def find(name: str) -> str:
    path = shutil.which(name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        raise Refused("the default template has no %s" % name)
    return os.path.realpath(path)


def replaced(data: bytes, old: str, new: str) -> bytes:
    """Other text in a program, filled up to the same length."""
    assert len(new) <= len(old) and old.encode() in data
    return data.replace(old.encode() + b"\0", new.encode().ljust(len(old) + 1, b"\0"))


def add_tools(image: Image) -> None:
    root = image.path(TOOLS)
    if os.path.isdir(root) and not os.path.islink(root):
        shutil.rmtree(root)
    elif os.path.lexists(root):
        os.unlink(root)
    for directory in ("bin", "lib"):
        os.makedirs(image.made("%s/%s" % (TOOLS, directory)), exist_ok=True)
    for name, program in PROGRAMS.items():
        add_program(root, find(program), name)
    shutil.copy(find("busybox"), os.path.join(root, "bin/busybox"))
    for applet in APPLETS:
        os.symlink("busybox", os.path.join(root, "bin", applet))
    with open(os.path.realpath(LOADER), "rb") as file:
        loader = file.read()
    multiarch = "/lib/%s-linux-gnu/" % platform.machine()
    own = (TOOLS + "/lib/").ljust(len(multiarch) - 1, "/") + "/"
    loader = loader.replace(multiarch.encode(), own.encode())
    loader = replaced(loader, "/etc/ld.so.cache", "/opt/emberbox/-")
    write_program(os.path.join(root, "ld.so"), loader)
    add_python(root)


def add_program(root: str, path: str, name: str) -> None:
    """A program that is loaded by our loader."""
    with open(path, "rb") as file:
        data = file.read()
    write_program(os.path.join(root, "bin", name), replaced(data, LOADER, TOOLS + "/ld.so"))
    add_libraries(root, libraries(path))


def write_program(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, 0o755)


def add_libraries(root: str, paths: Iterable[str]) -> None:
    for library in paths:
        target = os.path.join(root, "lib", os.path.basename(library))
        if not os.path.exists(target):
            shutil.copy(library, target)


def add_python(root: str) -> None:
    """Of Python's library only what prepares the network; and packages for cells, for the image's own Python."""
    listed = subprocess.run([find("python3"), "-I", "-c", IMPORTS], capture_output=True, text=True, check=True).stdout
    version = "python%d.%d" % sys.version_info[:2]
    os.makedirs(os.path.join(root, "lib", version, "lib-dynload"))
    for module in listed.splitlines():
        if not module.startswith("/usr/lib/%s/" % version):
            continue
        target = os.path.join(root, "lib", os.path.relpath(module, "/usr/lib"))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(module, target)
        if module.endswith(".so"):
            add_libraries(root, libraries(module))
    packages = os.path.join(root, "python")
    os.mkdir(packages)
    ignore = shutil.ignore_patterns("tests", "__pycache__", "*.so")
    for name in PACKAGES:
        source, target = os.path.join(DIST_PACKAGES, name), os.path.join(packages, name)
        if os.path.isdir(source):
            shutil.copytree(source, target, ignore=ignore)
        elif os.path.exists(source):
            shutil.copy(source, target)


def find_python(image: Image, path: str) -> Optional[str]:
    """The image's own Python, by the image's own PATH."""
    for directory in path.split(":"):
        name = "%s/python3" % directory
        if directory.startswith("/") and os.path.isfile(image.path(name)):
            return name
    return None


def main(root: str, path: str, user: str, workdir: str) -> None:
    os.umask(0o022)
    image = Image(root)
    try:
        check(image)
        configure(image)
        add_user(image)
        account = account_of(image, user)
        # Where it is missing, Docker makes it, too.
        image.made(workdir)
        add_modules(image)
        add_tools(image)
        python = find_python(image, path)
        if python is not None:
            image.write(TOOLS + "/python-path", python + "\n")
    except Refused as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit("it cannot be made ready: %s" % error)
    print(json.dumps({"user": account}))


if __name__ == "__main__":
    main(*sys.argv[1:])
