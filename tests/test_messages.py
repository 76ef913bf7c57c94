"""What an error said, quoted on one line."""

import pytest

from sknn_mnist._messages import first_line, one_line


@pytest.mark.parametrize(
    ("said", "expected"),
    [("one", "one"), ("\n  one\ntwo", "one"), ("", "KeyError"), (" \n ", "KeyError")],
)
def test_first_line(said, expected):
    class KeyError(Exception):
        pass

    assert first_line(KeyError(said)) == expected


def test_one_line():
    assert one_line(ValueError("a\n  b\tc ")) == "a b c"
    assert one_line(ValueError()) == ""
    assert one_line("a\nbcd", most=3) == "a b..."
    assert one_line("a\nb", most=3) == "a b"
