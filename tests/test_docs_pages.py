"""The pages of the site: their Python runs, their tables are true."""

import re
from pathlib import Path

import pytest

from sknn_mnist.model_selection._brackets import brackets_of

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted([*DOCS.glob("*.md"), *DOCS.glob("[a-z]*/*.md")])
# Pages about what is not everywhere.
NEEDS = {"callbacks": "sklearn.callback", "search": "optuna"}
MIGRATIONS = [
    page for page in PAGES if page.match("migration/*") and page.stem != "index"
]


def blocks_of(page):
    return re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if blocks_of(page)],
    ids=lambda page: f"{page.parent.name}/{page.stem}",
)
def test_python_of_a_page_runs(page, photos):
    """Block after block, as one session, in a folder that has photographs."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("Agg")
    if page.stem in NEEDS:
        pytest.importorskip(NEEDS[page.stem])
    session = {}
    try:
        for block in blocks_of(page):
            exec(compile(block, page.name, "exec"), session)
    finally:
        pyplot.close("all")
    text = page.read_text("utf-8")
    if page in MIGRATIONS:
        grid, X_test, y_test = (session[name] for name in ("grid", "X_test", "y_test"))
        assert grid.score(X_test, y_test) > 0.8
    if page.stem == "search":
        search = session["search"]
        assert search.score(session["X_test"], session["y_test"]) > 0.8
        assert f"search.brackets_  # {search.brackets_}" in text


def test_each_peer_has_a_migration_with_a_table():
    assert [page.stem for page in MIGRATIONS] == [
        "keras_wrappers",
        "mlp",
        "scikeras",
        "skorch",
    ]
    for page in MIGRATIONS:
        assert re.search(r"^\| was.* \| is.* \| why \|$", page.read_text("utf-8"), re.M)


def test_the_shares_of_hyperband_are_those_of_its_brackets():
    rows = re.findall(
        r"^\| (\d+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| ([\d.]+) \|$",
        (DOCS / "how_to/search.md").read_text("utf-8"),
        re.M,
    )
    assert len(rows) == 4
    for max_epochs, *told in rows:
        brackets = brackets_of(int(max_epochs), 3)
        nets = sum(bracket.n_candidates for bracket in brackets)
        epochs = sum(bracket.n_epochs for bracket in brackets)
        full = nets * int(max_epochs)
        assert told == [f"{nets:,}", f"{epochs:,}", f"{full:,}", f"{epochs / full:.2f}"]
