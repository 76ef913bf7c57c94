"""The report of a search: whole, escaped, readable without a network."""

import base64
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV

from sknn_mnist import DenseClassifier, clear_memory
from sknn_mnist.cli import main
from sknn_mnist.datasets import load_digits28
from sknn_mnist.reporting._html import Run, render_report

EVIL = "<script>alert('x')</script>&\"'"


class Page(HTMLParser):
    """What a document holds: its tags, the attributes, the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.open, self.text = [], [], [], []
        self.cells = []
        self.feed(text)
        assert self.open == [], "tags that are not closed"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.links += [v for k, v in attrs if k in ("src", "href", "srcset")]
        if tag not in ("meta", "img", "source", "link", "br"):
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)
        if self.open and {"td", "th"} & set(self.open):
            self.cells[-1] += data


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    clear_memory(":memory:")
    folder = tmp_path_factory.mktemp("run")
    args = ["search", "--dataset", "digits", "--train-size", "300", "--cv", "2"]
    args += ["--epochs", "1", "6", "--hidden-size", "4", "32", "--quiet"]
    assert main([*args, "--learning-rate", "0.01", "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def html(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


def test_it_needs_nothing_from_elsewhere(html):
    page = Page(html)
    assert page.links
    assert all(link.startswith("data:image/svg+xml;base64,") for link in page.links)
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert not re.search(r"url\(|@import|<link|<iframe", html)
    policy = next(t[1] for t in page.tags if t[1].get("http-equiv"))
    assert policy["content"].startswith("default-src 'none'; img-src data:;")


def test_it_holds_what_was_found(html, folder):
    page = Page(html)
    results = pd.read_csv(folder / "cv_results.csv")
    for score in [*results["mean_test_score"], *results["mean_train_score"]]:
        assert f"{score:.4f}" in page.cells
    text = "".join(page.text)
    assert "--learning-rate 0.01" in text
    assert "version of keras" in text
    assert "hidden_1" in page.cells
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", html)
    assert len(captions) == 6
    rows = [attrs for tag, attrs in page.tags if tag == "tr" and attrs.get("class")]
    assert len(rows) == 1  # the best


def test_pictures_are_for_light_and_dark(html):
    page = Page(html)
    pictures = [attrs["srcset"] for tag, attrs in page.tags if tag == "source"]
    lights = [attrs["src"] for tag, attrs in page.tags if tag == "img"]
    assert len(pictures) == len(lights) == 6
    for link in [*pictures, *lights]:
        svg = base64.b64decode(link.partition(",")[2])
        assert svg.lstrip().startswith(b"<?xml")
        assert b"<script" not in svg
    assert not set(pictures) & set(lights)


def test_its_python_repeats_the_run(html, folder, tmp_path):
    page = Page(html)
    code = next(text for text in page.text if text.startswith("from sklearn"))
    done = subprocess.run(
        [sys.executable, "-c", code + "print(search.cv_results_['mean_test_score'])"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    results = pd.read_csv(folder / "cv_results.csv")
    printed = done.stdout.splitlines()[-1]
    scores = [float(number) for number in re.findall(r"\d\.\d+", printed)]
    np.testing.assert_allclose(scores, results["mean_test_score"], rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        ["--halving", "2", "--hidden-size", "4", "8", "--epochs", "2"],
        ["--model", "cnn", "--filters", "2,2", "2", "--no-refit", "--epochs", "1"],
        ["--scoring", "f1_macro", "--epochs", "1", "2", "--n-jobs", "2"],
        ["--epochs", "1"],
    ],
)
def test_reports_of_every_kind_of_search(options, tmp_path):
    args = ["search", "--dataset", "digits", "--train-size", "200", "--cv", "2"]
    assert main([*args, *options, "--quiet", "--out", str(tmp_path)]) == 0
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(html)
    code = next(text for text in page.text if text.startswith("from sklearn"))
    compile(code, "report", "exec")
    assert ("confusion" in html.lower()) == ("--no-refit" not in options)


def data_of(X_train, X_test, y_train, y_test, **more):
    about = {"about": "digits", "image_shape": (28, 28, 1), "is_own": False, **more}
    return SimpleNamespace(
        X_train=X_train, X_test=X_test, y_train=y_train, y_test=y_test, **about
    )


def run_of(names):
    """A run whose every text is what an attacker would write."""
    X_train, X_test, y_train, y_test = load_digits28(return_X_y=True)
    labels = np.array([EVIL + str(each) for each in range(10)])
    net = DenseClassifier(hidden_size=4, memory=":memory:", random_state=0)
    search = GridSearchCV(net, {"epochs": [1, 2]}, cv=2, return_train_score=True)
    search.fit(X_train[:200], labels[y_train[:200]])
    search.cv_results_[f"param_{names}"] = [EVIL, EVIL + "2"]
    data = data_of(X_train[:200], X_test, labels[y_train[:200]], labels[y_test])
    data.about = data.name = data.source = EVIL
    record = {
        "model": EVIL,
        "params": {EVIL: EVIL},
        "scoring": EVIL,
        "cv_score": 0.5,
        "test_accuracy": None,
        "dataset": {"name": EVIL},
    }
    index = ["epochs", names]
    settings = {EVIL: EVIL}
    return Run(search, index, search.best_estimator_, record, data, EVIL, settings)


def test_what_comes_from_the_user_is_escaped():
    html = render_report(run_of("<b onmouseover=alert(1)>"))
    page = Page(html)
    assert [tag for tag, _ in page.tags].count("script") == 1  # its own
    assert not [tag for tag, _ in page.tags if tag == "b" and "onmouseover" in _]
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert "alert('x')" not in re.sub(r"&lt;script&gt;alert\(&#39;x", "", html)


def test_without_matplotlib_it_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    html = render_report(run_of("epochs_too"))
    page = Page(html)
    assert "No pictures: they need matplotlib" in "".join(page.text)
    assert not page.links


def chromium():
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next(filter(None, map(shutil.which, names)), None)


@pytest.mark.skipif(chromium() is None, reason="no Chromium is installed")
def test_a_browser_shows_and_sorts_it(folder, tmp_path):
    html = (folder / "report.html").read_text(encoding="utf-8")
    click = """<script>
      const button = document.querySelectorAll("table.sortable th button")[3];
      button.click();
      const keys = [...document.querySelectorAll("table.sortable tbody tr")]
        .map((row) => Number(row.children[3].dataset.key));
      const down = keys.every((key, at) => !at || keys[at - 1] >= key);
      const shown = [...document.images].every((image) => image.naturalWidth > 0);
      document.title = `sorted ${down} shown ${shown} overflow ` +
        (document.documentElement.scrollWidth > innerWidth);
    </script>"""
    page = tmp_path / "page.html"
    page.write_text(html.replace("</body>", click + "</body>"), encoding="utf-8")
    done = subprocess.run(
        [
            *(chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            *("--window-size=360,800", "--virtual-time-budget=5000", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    title = re.search(r"<title>(.*?)</title>", done.stdout)[1]
    assert title == "sorted true shown true overflow false"


def test_the_table_marks_what_the_search_chose_and_keeps_ints(tmp_path):
    scores = {(64, 0.0): 0.9, (32, 0.5): 0.9}  # a tie: scikit-learn takes the first

    def scoring(estimator, X, y):
        return scores.get((estimator.hidden_size, estimator.dropout), 0.5)

    X, _, y, _ = load_digits28(return_X_y=True)
    grid = {"hidden_size": [64, 32], "dropout": [0.0, 0.5]}
    net = DenseClassifier(epochs=1, random_state=0)
    search = GridSearchCV(net, grid, cv=2, scoring=scoring, refit=False)
    search.fit(X[:60], y[:60])
    record = {
        "model": "DenseClassifier",
        "params": search.best_params_,
        "scoring": "accuracy",
        "cv_score": search.best_score_,
        "test_accuracy": None,
        "dataset": {"name": "digits"},
    }
    data = data_of(X[:60], X[:9], y[:60], y[:9])
    html = render_report(Run(search, [*grid], None, record, data, "", {}))
    (marked,) = re.findall(r'<tr class="best">(.*?)</tr>', html, re.S)
    cells = re.findall(r"<td[^>]*>(.*?)</td>", marked)
    assert cells[:2] == [str(search.best_params_[name]) for name in grid]
    assert cells[:2] == ["64", "0.0"]
