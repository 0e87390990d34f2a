import base64
import json
import os

import emberbox_results
import emberbox_saved
import pytest
from emberbox_results import clipped, encode, error_line, result_line
from emberbox_saved import save


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def result(bundle, main=True):
    line = result_line(bundle, main)
    assert line.isascii() and line.endswith("}\n") and line.count("\n") == 1
    return json.loads(line)


class Unspeakable:
    def __str__(self):
        raise RuntimeError("no")


def test_each_type_has_its_field_and_all_others_are_extra():
    bundle = {"text/plain": "'a'", "image/png": "cG5n", "e2b/data": {"a": [1]}, "x/y": {"ü": 1}}
    assert result(bundle) == {
        "type": "result",
        "text": "a",
        "png": "cG5n",
        "data": {"a": [1]},
        "extra": {"x/y": {"ü": 1}},
        "is_main_result": True,
    }


@pytest.mark.parametrize(
    "text, shown",
    [
        ("'it'", "it"),
        ("''", ""),
        (repr("a\nb"), "a\\nb"),
        (repr("it's"), '"it\'s"'),
        (repr("'\""), "\\'\""),
        (repr("\\"), "\\\\"),
        # None of these is one string.
        ("'a' -> 'b'", "'a' -> 'b'"),
        ("'a'\n'b'", "'a'\n'b'"),
        ("'a\nb'", "'a\nb'"),
        ("'a\\'", "'a\\'"),
        ('"it"', '"it"'),
        ("'", "'"),
        ("", ""),
        ("'a\"", "'a\""),
    ],
)
def test_the_text_of_a_string_is_its_repr_without_single_quotes(text, shown):
    assert result({"text/plain": text}, False) == {"type": "result", "text": shown, "is_main_result": False}


def test_a_table_says_how_many_rows_there_were():
    class Table(dict):
        total_rows = 7

    assert result({"e2b/data": Table(a=[1])})["data_rows"] == 7


circular: list = []
circular.append(circular)


@pytest.mark.parametrize(
    "value, shown",
    [
        (float("nan"), None),
        ({"a": [1.5, float("inf")]}, {"a": [1.5, None]}),
        ({(1, 2): {3}}, {"(1, 2)": [3]}),
        (b"\x00\xff", base64.b64encode(b"\x00\xff").decode()),
        (memoryview(b"ab"), "YWI="),
        ("\ud800", "\ud800"),
        (True, True),
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),
        ({"a": [-(2**63)], 2**60: 1e300}, {"a": ["-9223372036854775808"], "1152921504606846976": 1e300}),
        ({"id": "1234567890123456"}, {"id": "1234567890123456"}),
        ({"a": object}, {"a": "<class 'object'>"}),
    ],
)
def test_whatever_json_lacks_becomes_what_it_has(value, shown):
    assert json.loads(encode(value)) == shown


@pytest.mark.parametrize(
    "value", [circular, {"a": Unspeakable()}, {Unspeakable(): 1}, [10**5000], [float("nan"), 10**5000]]
)
def test_what_cannot_be_written_down_is_named(value):
    assert isinstance(json.loads(encode(value)), (list, dict))


def test_a_result_over_the_limit_leaves_its_largest_part_in_a_file(home, monkeypatch):
    monkeypatch.setattr(emberbox_results, "RESULT_LIMIT", 100)
    shown = result({"text/plain": "short", "text/html": "<b>" + "x" * 200})
    path = home / ".emberbox/results/result-1.html"
    assert str(path) in shown["text"] and "text/plain, text/html" in shown["text"]
    assert path.read_text() == "<b>" + "x" * 200


def test_structured_data_over_the_limit_is_saved_as_json(home, monkeypatch):
    monkeypatch.setattr(emberbox_results, "RESULT_LIMIT", 100)
    assert "result-1.json" in result({"e2b/data": {"a": list(range(100))}})["text"]
    assert json.loads((home / ".emberbox/results/result-1.json").read_text()) == {"a": list(range(100))}


def test_a_type_that_is_no_text_may_be_too_large_too(monkeypatch):
    monkeypatch.setattr(emberbox_results, "RESULT_LIMIT", 100)
    assert "result-1.bin" in result({1: "x" * 200})["text"]


def test_an_error_keeps_both_ends_of_a_long_text():
    error = json.loads(error_line("E", "value", "a" * 300_000 + "end"))
    assert error["traceback"].startswith("aaa") and error["traceback"].endswith("end")
    assert "37859 characters left out" in error["traceback"]
    assert clipped("short") == "short"


@pytest.mark.parametrize("broken", ["\n", "\r\n"])
def test_base64_may_be_broken_into_lines(broken):
    data = bytes(range(256)) * 12_000
    digits = base64.b64encode(data).decode()
    lines = broken.join(digits[start : start + 76] for start in range(0, len(digits), 76))
    path = save("image/png", lines)
    assert path is not None
    with open(path, "rb") as file:
        assert file.read() == data


def test_what_is_not_base64_leaves_no_file(home):
    assert save("image/png", "abcde") is None
    assert list((home / ".emberbox/results").iterdir()) == []


def test_files_of_results_are_numbered(home):
    names = [save("text/plain", text) for text in ("a", "b")]
    assert names == [str(home / ".emberbox/results" / name) for name in ("result-1.txt", "result-2.txt")]


def test_the_oldest_files_make_room(home, monkeypatch):
    monkeypatch.setattr(emberbox_saved, "MAX_TOTAL", 10)
    for index in range(3):
        path = save("text/plain", "xxxx")
        assert path is not None
        os.utime(path, (index, index))
    assert sorted(os.listdir(home / ".emberbox/results")) == ["result-1.txt", "result-2.txt"]
    assert (home / ".emberbox/results/result-1.txt").stat().st_mtime == 2


def test_what_is_larger_than_any_file_may_be_is_not_saved(home, monkeypatch):
    monkeypatch.setattr(emberbox_saved, "MAX_FILE", 3)
    assert save("text/plain", "xxxx") is None


def test_without_a_home_nothing_is_saved(home, monkeypatch):
    (home / "file").write_text("")
    monkeypatch.setenv("HOME", str(home / "file"))
    assert save("text/plain", "x") is None
