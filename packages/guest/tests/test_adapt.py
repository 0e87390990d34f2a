"""What makes a machine's disk of an unpacked container image, as far as it can be tried without that machine."""

import os

import pytest

import adapt
from unpack import Refused


@pytest.fixture
def image(tmp_path, monkeypatch):
    """An image of Debian, with something beside it that nobody may touch."""
    monkeypatch.setattr(os, "chown", lambda *_: None)
    (tmp_path / "secret").write_text("secret")
    image = adapt.Image(str(tmp_path / "root"))
    os.mkdir(image.root)
    for name in ("bin/sh", "bin/bash", "bin/mv", "usr/bin/find"):
        image.write(name, "")
    image.write("etc/os-release", 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12"\n')
    image.write("etc/passwd", "root:x:0:0:root:/root:/bin/bash\nnode:x:1000:1000::/home/node:/bin/bash\n")
    image.write("etc/group", "root:x:0:\nnode:x:1000:\nmore:x:1001:")
    yield image
    assert (tmp_path / "secret").read_text() == "secret"
    assert sorted(os.listdir(tmp_path)) == ["root", "secret"]


def test_debian_and_what_is_made_of_it_are_taken(image):
    adapt.check(image)
    image.write("etc/os-release", "ID=linuxmint\nID_LIKE='x'\nID_LIKE=\"ubuntu debian\"\n")
    adapt.check(image)


@pytest.mark.parametrize("text", ["ID=alpine\nPRETTY_NAME=Alpine", "", "ID=fedora", "ID=debian-not"])
def test_other_distributions_are_refused(image, text):
    image.write("etc/os-release", text)
    with pytest.raises(Refused, match="made of Debian or Ubuntu"):
        adapt.check(image)


def test_an_image_without_a_shell_is_refused(image):
    os.unlink(image.path("bin/bash"))
    with pytest.raises(Refused, match="lacks /bin/bash"):
        adapt.check(image)


def test_the_user_gets_a_number_that_nobody_has(image):
    adapt.add_user(image)
    assert image.read("etc/passwd").endswith("user:x:1002:1002::/home/user:/bin/bash\n")
    assert image.read("etc/group").endswith("more:x:1001:\nuser:x:1002:\n")
    assert os.path.isdir(image.path("home/user"))
    adapt.add_user(image)
    assert image.read("etc/passwd").count("user:x:") == 1


@pytest.mark.parametrize(
    "given, name", [("", "user"), ("0", "root"), ("node:staff", "node"), ("1000", "node"), ("77:1", "user-77")]
)
def test_the_account_of_an_image(image, given, name):
    assert adapt.account_of(image, given) == name


@pytest.mark.parametrize("given", ["nobody-knows", "-1", "99999999999", "a b"])
def test_an_account_that_is_not_there_is_refused(image, given):
    with pytest.raises(Refused, match="no such account"):
        adapt.account_of(image, given)


def test_links_in_the_image_lead_to_places_in_it(image):
    for name in ("etc/passwd", "etc/group", "home"):
        if os.path.lexists(image.path(name)):
            os.unlink(image.path(name))
    os.symlink("../../secret", os.path.join(image.root, "etc/passwd"))
    os.symlink("/../../secret", os.path.join(image.root, "etc/group"))
    os.symlink("/", os.path.join(image.root, "home"))
    adapt.add_user(image)
    assert os.path.isdir(os.path.join(image.root, "user"))
    assert "user" in image.read("secret")


def test_python_is_found_by_the_path_of_the_image(image):
    assert adapt.find_python(image, "/opt/bin:/usr/bin") is None
    image.write("usr/bin/python3", "")
    image.write("opt/real/python3", "")
    os.symlink("/opt/real", os.path.join(image.root, "opt/bin"))
    assert adapt.find_python(image, "relative:/opt/bin:/usr/bin") == "/opt/bin/python3"


def test_text_in_a_program_is_replaced_at_its_length():
    assert adapt.replaced(b"a/lib/ld.so\0b", "/lib/ld.so", "/x") == b"a/x\0\0\0\0\0\0\0\0\0b"
