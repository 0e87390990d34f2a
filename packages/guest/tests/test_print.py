import io
import types
from unittest.mock import patch

import pytest
from emberbox_print import in_one_write


class Written(list):
    """A stream that keeps each write apart."""

    def write(self, text):
        self.append(text)
        return len(text)

    def flush(self):
        self.append("<flush>")


@pytest.fixture
def streams():
    return types.SimpleNamespace(out=Written(), err=Written())


@pytest.fixture
def printing(streams):
    ours = in_one_write(print, streams)

    def printing(*values, **options):
        # Within the test: pytest has a stream of its own there.
        with patch("sys.stdout", streams.out):
            ours(*values, **options)

    return printing


def test_what_is_printed_is_one_write(printing, streams):
    printing("a", 1, None)
    printing("b", "c", sep="", end="", flush=True)
    printing(sep=None, end=None)
    printing("e", file=streams.err)
    assert streams.out == ["a 1 None\n", "bc", "<flush>", "\n"]
    assert streams.err == ["e\n"]


def test_a_long_text_is_not_copied(printing, streams):
    text = "x" * 5000
    printing("a", text)
    assert streams.out == ["a", " ", text, "\n"]
    assert any(written is text for written in streams.out)


def test_other_streams_are_pythons_business(printing, streams):
    other = io.StringIO()
    printing("a", 1, sep="-", file=other)
    assert other.getvalue() == "a-1\n"
    with patch("sys.stdout", None):
        in_one_write(print, streams)("nowhere")
    assert streams.out == []


def test_mistakes_have_pythons_message(printing, streams):
    with pytest.raises(TypeError, match="sep must be None or a string, not int"):
        printing("a", sep=3)
    with pytest.raises(TypeError):
        printing("a", unknown=3)
    assert streams.out == []


def test_it_looks_like_pythons(streams):
    ours = in_one_write(print, streams)
    assert (ours.__name__, ours.__module__, ours.__doc__) == ("print", "builtins", print.__doc__)
