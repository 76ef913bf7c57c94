"""The pages on how to come from other wrappers: their Python runs, their links lead."""

import re
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parents[1] / "docs").glob("migrating_*.md"))


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_of_a_page_runs(page):
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)
    session = {}
    for block in blocks:
        exec(compile(block, page.name, "exec"), session)
    assert session["grid"].score(session["X_test"], session["y_test"]) > 0.8


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_of_a_page_lead_somewhere(page):
    links = re.findall(r"\]\((?!http)([^)]+)\)", page.read_text("utf-8"))
    assert links
    for link in links:
        file, _, anchor = link.partition("#")
        linked = page.parent / file
        assert linked.exists(), link
        headings = re.findall(r"^#+ (.*)$", linked.read_text("utf-8"), re.M)
        anchors = {
            re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings
        }
        assert not anchor or anchor in anchors, link


def test_there_are_two_pages_with_a_table_each():
    assert [page.stem for page in PAGES] == [
        "migrating_from_keras_wrappers",
        "migrating_from_scikeras",
    ]
    for page in PAGES:
        assert re.search(r"^\| was.* \| is.* \| why \|$", page.read_text("utf-8"), re.M)
