"""The pages of the docs: their Python runs, their links lead somewhere."""

import re
from pathlib import Path

import pytest

from sknn_mnist.model_selection._brackets import brackets_of

PAGES = sorted((Path(__file__).parents[1] / "docs").glob("*.md"))
MIGRATIONS = [page for page in PAGES if page.stem.startswith("migrating_")]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_of_a_page_runs(page):
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)
    session = {}
    for block in blocks:
        exec(compile(block, page.name, "exec"), session)
    fitted = session["grid" if page in MIGRATIONS else "search"]
    assert fitted.score(session["X_test"], session["y_test"]) > 0.8
    if page not in MIGRATIONS:
        assert f"search.brackets_  # {fitted.brackets_}" in page.read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_of_a_page_lead_somewhere(page):
    links = re.findall(r"\]\((?!http)([^)]+)\)", page.read_text("utf-8"))
    assert links
    for link in links:
        file, _, anchor = link.partition("#")
        linked = page.parent / file if file else page
        assert linked.exists(), link
        headings = re.findall(r"^#+ (.*)$", linked.read_text("utf-8"), re.M)
        anchors = {
            re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings
        }
        assert not anchor or anchor in anchors, link


def test_there_are_two_migrations_with_a_table_each():
    assert [page.stem for page in MIGRATIONS] == [
        "migrating_from_keras_wrappers",
        "migrating_from_scikeras",
    ]
    for page in MIGRATIONS:
        assert re.search(r"^\| was.* \| is.* \| why \|$", page.read_text("utf-8"), re.M)


def test_the_shares_of_hyperband_are_those_of_its_brackets():
    rows = re.findall(
        r"^\| (\d+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| ([\d.]+) \|$",
        next(p for p in PAGES if p.stem == "searching").read_text("utf-8"),
        re.M,
    )
    assert len(rows) == 4
    for max_epochs, *told in rows:
        brackets = brackets_of(int(max_epochs), 3)
        nets = sum(bracket.n_candidates for bracket in brackets)
        epochs = sum(bracket.n_epochs for bracket in brackets)
        full = nets * int(max_epochs)
        assert told == [f"{nets:,}", f"{epochs:,}", f"{full:,}", f"{epochs / full:.2f}"]
