"""What README and pages have one type: each `sknn-mnist ...` is a command it takes."""

import re
import shlex
from pathlib import Path

import pytest

from sknn_mnist.cli._parser import parse

ROOT = Path(__file__).parents[1]
FENCED = re.compile(r"^```(?:sh|\{code-block\} sh)\n(.*?)^```", re.M | re.S)
# A form is no command: "COMMAND --help". Neither is the text of a link, "{doc}`...`".
INLINE = re.compile(r"(?<!\})`sknn-mnist ((?![A-Z])[^`]+)`")


def commands_in(text):
    """Yield the arguments of each call, in blocks for a shell and within sentences."""
    for block in FENCED.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            for call in line.split(" && "):
                program, *args = shlex.split(call, comments=True) or [""]
                if program.rpartition("/")[2] == "sknn-mnist":
                    yield args
    for args in INLINE.findall(re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)):
        if "..." not in args:
            yield shlex.split(args)


DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", DOCS / "faq.md", *sorted(DOCS.glob("*/*.md"))]
COMMANDS = {
    page: list(commands_in(page.read_text("utf-8")))
    for page in PAGES
    if page.parent.name != "_build"
}


@pytest.mark.parametrize(
    "page",
    [page for page, commands in COMMANDS.items() if commands],
    ids=lambda page: f"{page.parent.name}-{page.stem}",
)
def test_commands_of_a_page_are_commands(page):
    for args in COMMANDS[page]:
        try:
            parse(args)
        except SystemExit as stop:  # it has said what is wrong, or shown its help
            assert stop.code == 0, args  # noqa: PT017


def test_the_pages_that_begin_have_commands():
    found = {page.stem for page, commands in COMMANDS.items() if commands}
    assert {"README", "install", "first_search", "first_report"} <= found
