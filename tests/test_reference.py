"""Every public name has its page in the reference."""

import re
from importlib import import_module
from pathlib import Path

import pytest

import sknn_mnist

ROOT = Path(__file__).parents[1]
WINGS = [
    f"sknn_mnist.{path.parent.name}"
    for path in sorted((ROOT / "sknn_mnist").glob("*/__init__.py"))
]


def names_of_the_reference():
    """Return {module: names} of the lists that pages are made of."""
    names, module = {}, None
    for line in (ROOT / "docs/reference/index.rst").read_text("utf-8").splitlines():
        if found := re.fullmatch(r"\.\. currentmodule:: (\S+)", line):
            module = found[1]
        elif found := re.fullmatch(r"   (\w+)", line):
            names.setdefault(module, []).append(found[1])
    return names


def test_names_of_the_package():
    listed = names_of_the_reference()["sknn_mnist"]
    assert sorted(listed) == sorted(set(sknn_mnist.__all__) - {"__version__"})


@pytest.mark.parametrize("wing", WINGS)
def test_names_of_a_wing(wing):
    """They have a page each, there or at the top of the package."""
    at_the_top = {
        id(getattr(sknn_mnist, name)) for name in sknn_mnist.__all__ if name[0] != "_"
    }
    module = import_module(wing)
    own = [n for n in module.__all__ if id(getattr(module, n)) not in at_the_top]
    assert sorted(names_of_the_reference().get(wing, [])) == sorted(own)
