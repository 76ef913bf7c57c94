"""What is said of a site that was built: where its links and parts lead."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[1] / "docs" / "check_site.py"


def checked(site):
    return subprocess.run(
        [sys.executable, str(CHECK), str(site)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def site(tmp_path):
    (tmp_path / "style.css").write_text("body {background: url('paper.png')}")
    (tmp_path / "paper.png").write_bytes(b"")
    (tmp_path / "other.html").write_text('<h1 id="here">Other</h1>')
    return tmp_path


def write(site, body):
    head = '<link rel="stylesheet" href="style.css">'
    (site / "index.html").write_text(f"<html><head>{head}</head>{body}</html>")


def test_a_whole_site(site):
    write(site, '<a href="other.html#here">o</a> <a href="https://keras.io">k</a>')
    done = checked(site)
    assert done.returncode == 0, done.stdout
    assert "2 pages" in done.stdout


@pytest.mark.parametrize(
    "body",
    [
        '<a href="nowhere.html">n</a>',
        '<a href="other.html#there">n</a>',
        '<img src="nothing.png">',
        '<img src="paper.png" srcset="paper.png, nothing.png 2x">',
        '<script src="https://example.org/a.js"></script>',
        '<video src="//example.org/a.mp4"></video>',
        '<link rel="stylesheet" href="nothing.css">',
    ],
)
def test_what_is_missing_is_told(site, body):
    write(site, body)
    done = checked(site)
    assert done.returncode == 1
    assert "index.html: " in done.stdout


def test_what_a_style_sheet_loads(site):
    write(site, "")
    (site / "style.css").write_text('@import "https://example.org/a.css";')
    assert "style.css: https://example.org/a.css" in checked(site).stdout


def test_an_example_without_picture_or_claim(site):
    write(site, "")
    page = site / "examples" / "lesson" / "plot_01.html"
    page.parent.mkdir(parents=True)
    page.write_text("<p>so it was</p>")
    told = checked(site).stdout
    assert "no picture was drawn" in told
    assert "nothing that it says" in told
