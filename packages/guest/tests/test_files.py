import json
import os

import emberbox_files
import pytest
from emberbox_files import files_line, snapshot


@pytest.fixture(autouse=True)
def types(monkeypatch):
    monkeypatch.setattr(emberbox_files, "types", {"csv": "text/csv", "gz": "application/gzip"})


@pytest.fixture
def directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def changed(before):
    line = files_line(before)
    assert line.isascii() and line.count("\n") == 1
    report = json.loads(line)
    assert report["type"] == "files"
    return report


def write(path, text="x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_new_and_changed_files_are_reported_in_order(directory):
    write(directory / "kept")
    write(directory / "grown")
    before = snapshot()
    write(directory / "grown", "xy")
    write(directory / "below/a.CSV")
    report = changed(before)
    assert [(os.path.relpath(file["path"], directory), file["size"], file["change"]) for file in report["files"]] == [
        ("below/a.CSV", 1, "created"),
        ("grown", 2, "modified"),
    ]
    assert [file["mime_type"] for file in report["files"]] == ["text/csv", "application/octet-stream"]
    assert report["truncated"] is False


def test_a_file_of_the_same_size_in_the_place_of_another_is_a_change(directory):
    write(directory / "a", "1")
    times = os.stat("a")
    before = snapshot()
    write(directory / "b", "2")
    os.utime("b", ns=(times.st_atime_ns, times.st_mtime_ns))
    os.rename("b", "a")
    assert [file["change"] for file in changed(before)["files"]] == ["modified"]


def test_hidden_files_those_of_tools_and_links_are_passed_over(directory):
    before = snapshot()
    for name in (".hidden", ".git/config", "node_modules/m.js", "below/__pycache__/m.pyc"):
        write(directory / name)
    os.symlink("/etc", "link")
    os.symlink("/etc/passwd", "passwd")
    os.symlink(".", "circle")
    os.mkfifo("pipe")
    assert changed(before) == {"type": "files", "files": [], "truncated": False}


def test_of_a_tree_too_large_to_see_whole_only_changes_are_reported(directory, monkeypatch):
    monkeypatch.setattr(emberbox_files, "MAX_ENTRIES", 2)
    for name in "abc":
        write(directory / name)
    before = snapshot()
    assert before and not before.complete
    for name in "abc":
        write(directory / name, "longer")
    report = changed(before)
    assert [file["change"] for file in report["files"]] == ["modified"] * 2
    assert report["truncated"] is True


def test_what_lies_too_deep_is_not_looked_at(directory):
    before = snapshot()
    assert before and before.complete
    write(directory.joinpath(*"abcdefghi") / "deep")
    assert changed(before) == {"type": "files", "files": [], "truncated": True}


def test_only_so_many_files_are_reported(directory, monkeypatch):
    monkeypatch.setattr(emberbox_files, "MAX_REPORTED", 1)
    before = snapshot()
    write(directory / "a")
    write(directory / "b")
    report = changed(before)
    assert len(report["files"]) == 1 and report["truncated"] is True


def test_names_that_are_not_utf_8_are_readable(directory):
    before = snapshot()
    with open(os.fsencode(directory) + b'/\xff".gz', "wb"):
        pass
    (file,) = changed(before)["files"]
    assert file["path"].endswith('/�".gz') and file["mime_type"] == "application/gzip"


def test_where_the_directory_is_gone_there_is_nothing_to_report(directory):
    (directory / "gone").mkdir()
    os.chdir("gone")
    (directory / "gone").rmdir()
    assert snapshot() is None
    os.chdir(directory)


def test_types_come_from_the_file_that_the_build_wrote(tmp_path):
    (tmp_path / "mime-types.json").write_text('{"py": "text/x-python"}')
    emberbox_files.load_types(str(tmp_path))
    names = ["a/b.py", "B.PY", "c.tar.gz", "py", ".py", "d.", "e.unknown"]
    unknown = "application/octet-stream"
    expected = ["text/x-python"] * 2 + ["application/gzip"] + [unknown] * 4
    assert [emberbox_files.mime_type(name) for name in names] == expected
