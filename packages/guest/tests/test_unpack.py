"""Layers of container images, friendly and hostile. The program is the engine's, and runs in the guest."""

import gzip
import io
import os
import re
import subprocess
import sys
import tarfile

import pytest

from unpack import Refused, Unpacker, inside

MANY = 1000
PROGRAM = sys.modules["unpack"].__file__


def entry(name, kind=tarfile.REGTYPE, content=b"", link="", mode=0o644):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname, info.mode = kind, len(content), link, mode
    info.uid, info.gid = os.getuid(), os.getgid()
    return info, content


@pytest.fixture
def root(tmp_path):
    """The directory of an image, with something beside it that nobody may touch."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    (tmp_path / "root").mkdir()
    yield tmp_path / "root"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["layer", "outside", "root"]
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["secret"]
    assert (tmp_path / "outside" / "secret").read_text() == "secret"


@pytest.fixture
def unpack(root):
    def unpack(*entries, max_bytes=1_000_000, max_entries=MANY, compress=gzip.compress):
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for info, content in entries:
                archive.addfile(info, io.BytesIO(content))
        layer = root.parent / "layer"
        layer.write_bytes(compress(data.getvalue()))
        unpacker = Unpacker(str(root), max_bytes, max_entries)
        unpacker.layer(str(layer))
        return unpacker

    return unpack


def directory(name):
    return entry(name, tarfile.DIRTYPE, mode=0o755)


def symlink(name, target):
    return entry(name, tarfile.SYMTYPE, link=target)


@pytest.mark.parametrize("compress", [gzip.compress, bytes])
def test_files_links_and_modes(unpack, root, compress):
    made = unpack(
        directory("bin"),
        entry("bin/tool", content=b"run", mode=0o4755),
        entry("/absolute/file", content=b"inside"),
        symlink("link", "bin/tool"),
        entry("hard", tarfile.LNKTYPE, link="bin/tool"),
        entry("hard", tarfile.LNKTYPE, link="hard"),
        compress=compress,
    )
    assert (root / "bin/tool").read_bytes() == b"run"
    assert (root / "bin/tool").stat().st_mode & 0o7777 == 0o4755
    assert (root / "absolute/file").read_bytes() == b"inside"
    assert os.readlink(root / "link") == "bin/tool"
    assert (root / "hard").stat().st_ino == (root / "bin/tool").stat().st_ino
    assert (made.bytes, made.entries) == (9, 6)


@pytest.mark.parametrize("name", ["../outside/secret", "a/../../outside/secret", "/../x", ".."])
def test_a_name_with_dots_is_refused(unpack, name):
    with pytest.raises(Refused, match="leads out"):
        unpack(entry(name, content=b"broken"))


def test_a_later_layer_writes_through_a_link_into_the_image_only(unpack, root):
    outside = str(root.parent / "outside")
    unpack(symlink("out", outside), symlink("up", "../../../.."), symlink("etc", "/usr/etc"))
    unpack(entry("out/secret", content=b"x"), entry("up/outside", content=b"y"), entry("etc/passwd", content=b"z"))
    assert (root / outside.lstrip("/") / "secret").read_bytes() == b"x"
    assert (root / "outside").read_bytes() == b"y"
    assert (root / "usr/etc/passwd").read_bytes() == b"z"


def test_a_file_replaces_a_link_and_never_what_it_points_to(unpack, root):
    unpack(symlink("file", str(root.parent / "outside/secret")), symlink("dir", str(root.parent / "outside")))
    unpack(entry("file", content=b"own"), directory("dir"), entry("dir/secret", content=b"own"))
    assert (root / "file").read_bytes() == b"own" and not (root / "file").is_symlink()
    assert (root / "dir/secret").read_bytes() == b"own" and not (root / "dir").is_symlink()


@pytest.mark.parametrize("target", ["../outside/secret", "/nothing", "x"])
def test_a_hard_link_to_outside_or_to_nothing_is_refused(unpack, root, target):
    with pytest.raises(Refused):
        unpack(entry("hard", tarfile.LNKTYPE, link=target))


def test_a_hard_link_through_a_link_stays_inside(unpack, root):
    with pytest.raises(Refused, match="not there"):
        unpack(symlink("out", str(root.parent / "outside")), entry("hard", tarfile.LNKTYPE, link="out/secret"))


def test_links_in_a_circle_are_refused(unpack):
    with pytest.raises(Refused, match="too many links"):
        unpack(symlink("a", "b"), symlink("b", "a"), entry("a/file"))


def test_devices_are_left_out(unpack, root):
    device = entry("dev/mem", tarfile.CHRTYPE)
    device[0].devmajor, device[0].devminor = 1, 1
    unpack(device, entry("disk", tarfile.BLKTYPE))
    assert sorted(path.name for path in root.rglob("*")) == ["dev"]


def test_whiteouts_hide_what_earlier_layers_have_and_nothing_of_their_own(unpack, root):
    unpack(entry("a/old"), entry("a/kept"), entry("b/deep/old"), entry("c"))
    unpack(entry("a/.wh.old"), entry("b/new"), entry("b/.wh..wh..opq"), entry("c"), entry(".wh.c"), entry(".wh.none"))
    assert sorted(str(path.relative_to(root)) for path in root.rglob("*")) == ["a", "a/kept", "b", "b/new", "c"]


def test_a_whiteout_through_a_link_hides_nothing_outside(unpack, root):
    unpack(symlink("out", str(root.parent / "outside")), entry("x"))
    unpack(entry("out/.wh.secret"), entry("out/.wh..wh..opq"))


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh...", "a/.wh..."])
def test_a_whiteout_of_a_directory_above_is_refused(unpack, name):
    with pytest.raises(Refused, match="hides nothing"):
        unpack(entry(name))


def test_bombs_are_refused(unpack):
    with pytest.raises(Refused, match="too large"):
        unpack(entry("zeros", content=bytes(2_000_000)))
    with pytest.raises(Refused, match="too many files"):
        unpack(*(entry(str(number)) for number in range(20)), max_entries=10)
    # What follows the archive's end is decompressed too.
    with pytest.raises(Refused, match="too large"):
        unpack(entry("a"), compress=lambda data: gzip.compress(data + bytes(9_000_000)))


def test_a_size_that_lies_is_refused(unpack, root):
    with pytest.raises((Refused, tarfile.TarError)):
        unpack(entry("a", content=b"x" * 4096), compress=lambda data: data[:1024])


def test_links_lead_as_if_the_directory_were_the_root(root):
    os.symlink("/a/b", root / "link")
    (root.parent / "layer").touch()
    assert inside(str(root), ["link", "..", "c"]) == str(root / "a/c")
    assert inside(str(root), ["..", "..", "etc"]) == str(root / "etc")


@pytest.mark.parametrize(
    "data, why",
    [
        (b"not an archive at all" * 100, "no archive"),
        (b"\x1f\x8b" + bytes(2000), "cannot be decompressed|no archive"),
        (gzip.compress(bytes(1024) + b"x" * 512), "no archive|^$"),
    ],
)
def test_the_program_says_why_in_its_last_line(root, data, why):
    (root.parent / "layer").write_bytes(data)
    command = [sys.executable, str(PROGRAM), str(root), str(root.parent / "layer"), "1000", "10"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert re.search(why, ended.stderr.strip().split("\n")[-1])
    assert "Traceback" not in ended.stderr
