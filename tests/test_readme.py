"""The README's Python runs, block after block, as one session."""

import importlib.metadata
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from sknn_mnist.cli import main

README = Path(__file__).parents[1] / "README.md"


def blocks():
    return re.findall(r"^```python\n(.*?)^```", README.read_text("utf-8"), re.M | re.S)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Photographs of a temple and of a flower, cut to pieces: photos/, holiday/."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("china", "flower"):
        whole = Image.fromarray(load_sample_image(f"{name}.jpg"))
        for number in range(60):
            left, top = rng.integers(0, [500, 300])
            folder = Path("photos", name) if number < 50 else Path("holiday")
            folder.mkdir(parents=True, exist_ok=True)
            piece = whole.crop((left, top, left + 96 + number, top + 80))
            piece.save(folder / f"{name}_{number}.jpg")
    return tmp_path


@pytest.mark.slow
def test_photographs_to_a_report_in_three_commands(photos):
    commands = [
        shlex.split(line)[1:]
        for line in re.findall(r"^(sknn-mnist .*)$", README.read_text("utf-8"), re.M)
        if "photos" in line
    ]
    assert [command[0] for command in commands] == ["search", "fit", "predict"]
    for command in commands:
        assert main(command) in (None, 0)
    report = Path("runs/photos/report.html").read_text("utf-8")
    assert "china" in report
    assert "flower" in report
    lines = Path("predictions.csv").read_text("utf-8").splitlines()
    assert len(lines) == 21
    right = [line.split("_")[0].split(",")[-1] in line.split(",")[-2] for line in lines]
    assert sum(right) >= 18


@pytest.mark.slow
def test_python_of_the_readme_runs(photos, tmp_path, monkeypatch):
    plt = pytest.importorskip("matplotlib.pyplot")
    pytest.importorskip("sklearn.callback")  # what it shows of callbacks needs 1.9
    distributed = pytest.importorskip("distributed")
    plt.switch_backend("Agg")
    session, promised = {}, []
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None
    )
    elsewhere = {
        # Any number of images will do, and the bundled ones need no file.
        "load_mnist": "load_digits28",
        # Fewer epochs as well.
        "max_epochs=27": "max_epochs=9",
        "tcp://scheduler:8786": cluster.scheduler_address,
        "/shared/states": str(tmp_path / "shared"),
    }
    for block in blocks():
        code = block
        for said, here in elsewhere.items():
            code = code.replace(said, here)
        exec(compile(code, "README.md", "exec"), session)
        for expression, said in re.findall(r"^(\S.*)  # (0\.\d+)$", code, re.M):
            promised.append(float(said))
            assert eval(expression, session) == pytest.approx(promised[-1], abs=0.02)
        plt.close("all")
    assert promised
    session["client"].close()
    cluster.close()


def test_what_the_readme_links_to_is_there():
    links = re.findall(r"\]\((?!http|#)([^)]+)\)", README.read_text("utf-8"))
    assert links
    for link in links:
        assert (README.parent / link.partition("#")[0]).exists(), link


def test_a_package_index_finds_what_the_readme_links_to():
    # As it was built: an index has neither the pictures nor the other files.
    # As it stands in the file: once `importlib_metadata` is there, it has no payload.
    text = importlib.metadata.distribution("sknn-mnist").read_text("METADATA")
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert len(targets) > 10
    assert [each for each in targets if not each.startswith(("https://", "#"))] == []
    for each in re.findall(r"\]\((?!https:)([^)#]+)", README.read_text("utf-8")):
        assert (README.parent / each).exists(), each
    headings = re.findall(r"^#+ (.*)$", README.read_text("utf-8"), re.M)
    anchors = {
        re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings
    }
    assert {each[1:] for each in targets if each.startswith("#")} <= anchors
