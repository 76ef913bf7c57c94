"""The README's Python runs, block after block, as one session."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def blocks():
    return re.findall(r"^```python\n(.*?)^```", README.read_text("utf-8"), re.M | re.S)


@pytest.mark.slow
def test_python_of_the_readme_runs(tmp_path, monkeypatch):
    plt = pytest.importorskip("matplotlib.pyplot")
    pytest.importorskip("sklearn.callback")  # what it shows of callbacks needs 1.9
    monkeypatch.chdir(tmp_path)
    plt.switch_backend("Agg")
    session, promised = {}, []
    for block in blocks():
        # Any number of images will do, and the bundled ones need no file.
        code = block.replace("load_mnist", "load_digits28")
        exec(compile(code, "README.md", "exec"), session)
        for expression, said in re.findall(r"^(\S.*)  # (0\.\d+)$", code, re.M):
            promised.append(float(said))
            assert eval(expression, session) == pytest.approx(promised[-1], abs=0.02)
        plt.close("all")
    assert promised


def test_what_the_readme_links_to_is_there():
    links = re.findall(r"\]\((?!http|#)([^)]+)\)", README.read_text("utf-8"))
    assert links
    for link in links:
        assert (README.parent / link).exists(), link
