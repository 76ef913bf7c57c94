"""The README: short, and true. Each block of Python runs by itself."""

import importlib.metadata
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)


def test_it_is_read_at_one_go():
    assert len(TEXT.splitlines()) < 150


@pytest.mark.slow
@pytest.mark.parametrize("block", range(len(BLOCKS)))
def test_a_block_of_python_runs_by_itself(block, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    session = {}
    exec(compile(BLOCKS[block], "README.md", "exec"), session)
    promised = re.findall(r"^(\S.*)  # (0\.\d+)$", BLOCKS[block], re.M)
    assert promised
    for expression, said in promised:
        assert eval(expression, session) == pytest.approx(float(said), abs=0.02)


def test_what_it_links_to_is_there():
    links = re.findall(r"\]\((?!https?:|#)([^)]+)\)", TEXT)
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", TEXT)
    assert len(links) > 20
    assert pictures
    for link in links:
        assert (README.parent / link.partition("#")[0]).is_file(), link
    for picture in pictures:
        assert (README.parent / picture).stat().st_size <= 100_000


def test_a_package_index_finds_what_it_links_to():
    # As it was built: an index has neither the pictures nor the other files.
    # As it stands in the file: once `importlib_metadata` is there, it has no payload.
    built = importlib.metadata.distribution("sknn-mnist").read_text("METADATA")
    targets = re.findall(r"\]\(([^)]+)\)", built)
    assert len(targets) > 10
    assert [each for each in targets if not each.startswith(("https://", "#"))] == []
    headings = re.findall(r"^#+ (.*)$", TEXT, re.M)
    anchors = {
        re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings
    }
    assert {each[1:] for each in targets if each.startswith("#")} <= anchors
