"""The report of a search: whole, escaped, readable without a network."""

import base64
import io
import re
import shutil
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import precision_recall_fscore_support
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
        if tag not in ("meta", "img", "source", "link", "br", "wbr", "input"):
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
    assert len(captions) == 7
    rows = [attrs for tag, attrs in page.tags if tag == "tr" and attrs.get("class")]
    assert len(rows) == 1  # the best


def test_the_table_tells_spread_and_times(html, folder):
    results = pd.read_csv(folder / "cv_results.csv")
    table = html.partition('id="scores"')[2].partition("</table>")[0]
    heads = re.findall(r'<button type="button">(.*?)</button>', table)
    assert [head.replace("<wbr>", "") for head in heads] == [
        *("epochs", "hidden_size"),
        *("mean_test_score", "std_test_score", "mean_train_score", "std_train_score"),
        *("mean_fit_time", "std_fit_time"),
    ]
    cells = re.findall(
        r'<td data-key="([^"]*)" class="number"( style)?.*?>(.*?)</td>', table
    )
    columns = [cells[at::6] for at in range(6)]
    for name, column in zip(heads[2:], columns, strict=True):
        name = name.replace("<wbr>", "")
        keys = sorted(float(key) for key, _, _ in column)
        np.testing.assert_allclose(keys, sorted(results[name]), rtol=1e-12)
        digits = 3 if name.endswith("time") else 4
        assert all(text == f"{float(key):.{digits}f}" for key, _, text in column)
        # Colours compare scores; a deviation or a time is none.
        assert {bool(shade) for _, shade, _ in column} == {name in SHADED}
    assert "the seconds of a fit" in html


SHADED = ("mean_test_score", "mean_train_score")


def test_it_begins_with_what_was_found(html, folder):
    results = pd.read_csv(folder / "cv_results.csv")
    best = results.loc[results["mean_test_score"].idxmax()]
    found = re.search(r'<p class="finding">(.*?)</p>', html)[1]
    chosen = f"epochs={best['param_epochs']}, hidden_size={best['param_hidden_size']}"
    score = f"{best['mean_test_score']:.4f} ± {best['std_test_score']:.4f} accuracy"
    assert found.startswith(f"Of 4 candidates in 2 folds, {chosen} is best: {score}")
    assert html.index('class="finding"') < html.index("<h2")


def test_pictures_are_for_light_and_dark(html):
    page = Page(html)
    pictures = [attrs["srcset"] for tag, attrs in page.tags if tag == "source"]
    lights = [attrs["src"] for tag, attrs in page.tags if tag == "img"]
    assert len(pictures) == len(lights) == 7
    for link in [*pictures, *lights]:
        svg = base64.b64decode(link.partition(",")[2])
        assert svg.lstrip().startswith(b"<?xml")
        assert b"<script" not in svg
    assert not set(pictures) & set(lights)


def svgs_of(html):
    """The pictures of a report, by theme."""
    page = Page(html)
    links = {
        "dark": [attrs["srcset"] for tag, attrs in page.tags if tag == "source"],
        "light": [attrs["src"] for tag, attrs in page.tags if tag == "img"],
    }
    return {
        theme: [base64.b64decode(each.partition(",")[2]).decode() for each in found]
        for theme, found in links.items()
    }


def test_dark_pictures_have_no_white(html):
    svgs = svgs_of(html)
    white = r"#(ffffff|fff\b)|white"
    for svg in svgs["dark"]:
        assert not re.search(rf"stroke: ?({white})", svg)  # no lines, no grid
        assert not re.search(rf'<path d="[^"]*" style="fill: ?({white})', svg)
    tiles = {
        theme: [pixels for svg in found for pixels in images_in(svg)]
        for theme, found in svgs.items()
    }
    assert len(tiles["dark"]) == len(tiles["light"]) >= 2
    # Classes and mistakes: ink on paper, whichever of them is dark.
    darkest = sorted(pixels.mean() for pixels in tiles["dark"])[:2]
    lightest = sorted(pixels.mean() for pixels in tiles["light"])[-2:]
    assert max(darkest) < 100 < 155 < min(lightest)


def images_in(svg):
    """The pixels, without what is transparent, of the images inside a picture."""
    for data in re.findall(r'href="data:image/png;base64,(.*?)"', svg, re.S):
        image = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA")
        pixels = np.asarray(image)
        yield pixels[pixels[..., 3] > 0][:, :3]


class Boxes(HTMLParser):
    """The boxes around each table: attributes of what is open where one begins."""

    def __init__(self, text):
        super().__init__()
        self.open, self.found = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.found.append(list(self.open))
        if tag not in ("meta", "img", "source", "link", "br", "wbr", "input"):
            self.open.append(dict(attrs))

    def handle_endtag(self, tag):
        self.open.pop()


def rules_of(html):
    """The style sheet: declarations by selector, those of media apart."""
    css = re.sub(
        r"/\*.*?\*/", "", html.partition("<style>")[2].partition("</style>")[0]
    )
    media = {}
    for query, inner in re.findall(
        r"@media ([^{]*)\{((?:[^{}]*\{[^{}]*\})*)\s*\}", css
    ):
        media[query.strip()] = dict(re.findall(r"([^{}]+?)\s*\{([^{}]*)\}", inner))
    css = re.sub(r"@media [^{]*\{(?:[^{}]*\{[^{}]*\})*\s*\}", "", css)
    rules = re.findall(r"([^{}]+?)\s*\{([^{}]*)\}", css)
    return {selector.strip(): body for selector, body in rules}, media


def test_nothing_is_cut_on_narrow_screens(html):
    rules, media = rules_of(html)
    boxes = Boxes(html).found
    assert len(boxes) == 5
    for around in boxes:
        box = around[-1]
        assert box["class"] == "wide"
        # It can be scrolled by keys, and says what it is.
        assert (box["role"], box["tabindex"]) == ("region", "0")
        assert f'id="{box["aria-labelledby"]}"' in html
    assert "overflow-x: auto" in rules[".wide"]
    fade = rules[".wide::after"]  # the sign that there is more
    assert "position: sticky" in fade
    assert "linear-gradient(to right, transparent, var(--paper)" in fade
    assert "max-width: 100%" in rules["figure img"]
    assert "white-space: pre-wrap" in rules["pre"]
    for body in [
        *rules.values(),
        *(b for each in media.values() for b in each.values()),
    ]:
        assert not re.search(
            r"(?<![-\w])(min-)?width: *(\d{3,}px|[2-9]\d+(rem|em))", body
        )


def test_wide_screens_are_used_and_dark_ones_not_dazzled(html):
    rules, media = rules_of(html)
    assert re.search(r"max-width: (9\d|1\d\d)rem", rules["body"])
    assert "flex-wrap: wrap" in rules[".parts"]
    assert re.search(r"max-width: [45]\drem", rules["p"])  # lines that can be read
    (dark,) = (media[query] for query in media if query.endswith("scheme: dark)"))
    paper = re.search(r"--paper: #(\w{6})", next(iter(dark.values())))[1]
    assert all(int(paper[at : at + 2], 16) < 40 for at in (0, 2, 4))


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


def record_of(search):
    """What the command line says of a search without a refit."""
    return {
        "model": "DenseClassifier",
        "params": search.best_params_,
        "scoring": "accuracy",
        "cv_score": search.best_score_,
        "test_accuracy": None,
        "dataset": {"name": "digits"},
    }


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


def test_the_best_epoch_and_validation_are_shown():
    run = run_of("names")
    run.best.history_ = {"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 1.0, 2.0]}
    run.best.best_epoch_, run.best.monitor = 1, "val_loss"
    html = render_report(run)
    title = "Learning curve, loss: training solid, validation dashed; the best epoch"
    assert f"<figcaption>{title} is marked</figcaption>" in html
    at = re.findall("<figcaption>(.*?)</figcaption>", html).index(f"{title} is marked")
    assert "best epoch 2 (val_loss 1)" in svgs_of(html)["light"][at]
    run.best.best_epoch_ = None
    assert "best epoch" not in render_report(run)


def test_the_classes_are_told_apart():
    run = run_of("names")
    html = render_report(run)
    table = html.partition('id="told"')[2].partition("</table>")[0]
    rows = [
        [unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]
        for row in re.findall(r"<tr>(<td.*?)</tr>", table)
    ]
    predicted = run.best.predict(run.data.X_test)
    names = np.union1d(run.data.y_test, predicted)
    expected = precision_recall_fscore_support(
        run.data.y_test, predicted, labels=names, zero_division=np.nan
    )
    for at, (name, *cells) in enumerate(rows[:-1]):
        assert name == names[at]
        *scores, support = [column[at] for column in expected]
        assert cells == [
            *("–" if np.isnan(score) else f"{score:.4f}" for score in scores),
            f"{support:,}",
        ]
    assert len(rows) == len(names) + 1
    # The mean stays below when the others are sorted.
    foot = table.partition("<tfoot>")[2]
    assert "mean" in foot
    assert rows[-1][3] == f"{np.nanmean(expected[2]):.4f}"


def test_a_failed_candidate_reads_so():
    run = run_of("names")
    for name in ("mean_test_score", "std_test_score", "mean_train_score"):
        run.search.cv_results_[name][0] = np.nan
    html = render_report(run)
    row = re.search(r"<tbody>\s*<tr.*?>(.*?)</tr>", html, re.S)[1]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row)
    assert cells[2:5] == ["failed", "–", "failed"]
    assert "Of 2 candidates in 2 folds, 1 of which failed, " in html


def test_of_several_metrics_the_chosen_one_is_drawn_and_each_has_its_shades():
    run = run_of("names")
    results = run.search.cv_results_
    counted = {
        f"{kind}_test_best_epoch": np.array(values)
        for kind, values in (("mean", [3.0, 7.0]), ("std", [0.0, 1.0]))
    }
    scores = {"mean_test_score": [0.25, 0.75], "mean_train_score": [0.5, 0.5]}
    # Whichever comes first.
    run.search.cv_results_ = {**counted, **results, **scores}
    run.search.refit = "score"
    html = render_report(run)
    assert "mean test score" in svgs_of(html)["light"][0]
    assert "(its other scores: " in html
    shades = re.findall(r'style="--s:([\d.]+)">(.*?)<', html)
    expected = {"3.0000": 0, "7.0000": 1, "0.2500": 0, "0.7500": 1, "0.5000": 0.5}
    assert {text: float(shade) for shade, text in shades} == expected


def test_without_matplotlib_it_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    html = render_report(run_of("epochs_too"))
    page = Page(html)
    assert "No pictures: they need matplotlib" in "".join(page.text)
    assert not page.links


def spread(n=60, n_on=20):
    """A search like Hyperband's, of a bracket whose rates are drawn, and of all."""
    rng = np.random.RandomState(0)
    on = np.arange(n_on) * 2
    results = {
        "iter": np.repeat([0, 1], [n, n_on]),
        "n_resources": np.repeat([1, 3], [n, n_on]),
        "bracket": np.zeros(n + n_on, int),
        "candidate": np.concatenate([np.arange(n), on]),
    }
    candidate = results["candidate"]
    results["param_rate"] = np.geomspace(1e-4, 1e-1, n)[candidate]
    results["param_size"] = np.arange(10, 10 + n)[candidate]
    results["param_norm"] = np.array([True, False, None])[candidate % 3]
    results["param_epochs"] = results["n_resources"]
    scores = rng.permutation(n + n_on) / 100
    for fold in range(2):
        results[f"split{fold}_test_score"] = scores
    results |= {"mean_test_score": scores, "std_test_score": scores / 10}
    names = ("rate", "size", "norm", "epochs")
    columns = [results[f"param_{name}"] for name in names]
    results["params"] = [
        dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)
    ]
    best = int(scores.argmax())
    return SimpleNamespace(
        cv_results_=results,
        best_index_=best,
        best_score_=scores[best],
        best_params_=results["params"][best],
        refit=True,
        max_epochs=3,
        stopped_by_=None,
    )


def test_many_candidates_of_drawn_values_can_be_read():
    search = spread()
    X, X_test, y, y_test = load_digits28(return_X_y=True)
    index = ["epochs", "rate", "size", "norm"]
    data = data_of(X[:60], X_test[:9], y[:60], y_test[:9])
    html = render_report(Run(search, index, None, record_of(search), data, "", {}))
    table = html.partition('id="scores"')[2].partition("</table>")[0]
    # Each candidate and rung, the best of them first; of 80 rows, 50 at once.
    rows = re.findall(r"<tr(.*?)>(.*?)</tr>", table.partition("<tbody>")[2], re.S)
    assert rows[0][0] == ' class="best"'
    keys = [re.findall(r'data-key="([^"]*)" class="number"', row)[0] for _, row in rows]
    assert [float(key) for key in keys] == sorted(map(float, keys), reverse=True)
    assert len(rows) == len(search.cv_results_["params"]) == 80
    assert "show all 80 rows" in table
    assert "One row per candidate and epochs that it came to, the best marked" in table
    rules, _ = rules_of(html)
    (hidden,) = [each for each in rules if "nth-child(n+51)" in each]
    assert ":has(p.more input:not(:checked))" in hidden
    # No heat map of 60 columns: the brackets, and points by each parameter.
    captions = re.findall("<figcaption>(.*?)</figcaption>", html)[:-1]
    assert [each.partition(":")[0].partition(",")[0] for each in captions] == [
        f"Mean test score by {name}" for name in ("epochs", "rate", "size", "norm")
    ]
    svgs = svgs_of(html)["light"]
    for text in ("60 candidates from 1", "epochs", "best: 0.79 at "):
        assert text in svgs[0]
    assert "10^{-4}" in svgs[1]  # rates are drawn by their logarithm
    assert "10^{" not in svgs[2]
    for label in ("None", "False", "True"):
        assert f"<!-- {label} -->" in svgs[3]
    page = Page(html)
    finding = " ".join(page.text)
    assert "Of 60 candidates in 2 folds and 1 bracket of Hyperband, " in finding
    assert "Candidates came to 200 epochs over all folds, in place of 360" in finding


def chromium():
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next(filter(None, map(shutil.which, names)), None)


@pytest.mark.skipif(chromium() is None, reason="no Chromium is installed")
@pytest.mark.parametrize(("width", "across"), [(360, 1), (400, 1), (1600, 2)])
def test_a_browser_shows_and_sorts_it(folder, tmp_path, width, across):
    html = (folder / "report.html").read_text(encoding="utf-8")
    click = """<script>
      const table = document.querySelector("table.sortable");
      table.querySelectorAll("th button")[3].click();
      const keys = [...table.tBodies[0].rows]
        .map((row) => Number(row.children[3].dataset.key));
      const down = keys.every((key, at) => !at || keys[at - 1] >= key);
      const shown = [...document.images].every((image) => image.naturalWidth > 0);
      // What isn't in a box that scrolls is within the screen.
      const cut = [...document.querySelectorAll("body *")].filter((each) =>
        !each.closest(".wide *") && each.getBoundingClientRect().right > innerWidth);
      const tops = {};
      for (const each of document.querySelectorAll("figure"))
        tops[each.offsetTop] = (tops[each.offsetTop] || 0) + 1;
      parent.postMessage(`${innerWidth} sorted ${down} shown ${shown} overflow ` +
        (document.documentElement.scrollWidth > innerWidth) + ` cut ${cut.length}` +
        ` across ${Math.min(Math.max(...Object.values(tops)), 2)}`, "*");
    </script>"""
    page = tmp_path / "page.html"
    page.write_text(html.replace("</body>", click + "</body>"), encoding="utf-8")
    # Chromium's windows are 500 pixels wide at least, frames are as narrow as asked.
    outer = tmp_path / "outer.html"
    outer.write_text(
        "<script>onmessage = (event) => document.title = event.data;</script>"
        f'<iframe src="page.html" style="width: {width}px; height: 800px; border: 0">'
    )
    done = subprocess.run(
        [
            *(chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            *("--window-size=1700,900", "--virtual-time-budget=5000", outer.as_uri()),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    title = re.search(r"<title>(.*?)</title>", done.stdout)[1]
    assert title == (
        f"{width} sorted true shown true overflow false cut 0 across {across}"
    )


def test_the_table_marks_what_the_search_chose_and_keeps_ints(tmp_path):
    scores = {(64, 0.0): 0.9, (32, 0.5): 0.9}  # a tie: scikit-learn takes the first

    def scoring(estimator, X, y):
        return scores.get((estimator.hidden_size, estimator.dropout), 0.5)

    X, _, y, _ = load_digits28(return_X_y=True)
    grid = {"hidden_size": [64, 32], "dropout": [0.0, 0.5]}
    net = DenseClassifier(epochs=1, random_state=0)
    search = GridSearchCV(net, grid, cv=2, scoring=scoring, refit=False)
    search.fit(X[:60], y[:60])
    data = data_of(X[:60], X[:9], y[:60], y[:9])
    html = render_report(Run(search, [*grid], None, record_of(search), data, "", {}))
    (marked,) = re.findall(r'<tr class="best">(.*?)</tr>', html, re.S)
    cells = re.findall(r"<td[^>]*>(.*?)</td>", marked)
    assert cells[:2] == [str(search.best_params_[name]) for name in grid]
    assert cells[:2] == ["64", "0.0"]
