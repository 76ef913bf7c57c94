"""What a report shows of the data: classes by name, their rows, images of each."""

import base64
import re
from html import unescape
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from sklearn.metrics import confusion_matrix

from sknn_mnist.cli import main
from sknn_mnist.reporting._classes import (
    MOST_CLASSES,
    N_EXAMPLES,
    as_images_of,
    count_classes,
    draw_examples,
    examples_of,
)
from sknn_mnist.reporting._confusion import confusion_of, draw_confusion

NAMES = ("$x$ & <b>", "ærø", "a very long name of a class of images")


def data_of(X, y, image_shape=None, is_own=True):
    return SimpleNamespace(X_train=X, y_train=y, image_shape=image_shape, is_own=is_own)


def test_rows_are_counted_by_class():
    y, y_test = np.array(["b", "a", "b"]), np.array(["c", "b"])
    assert count_classes(y, y_test) == [("a", 1, 0), ("b", 2, 1), ("c", 0, 1)]
    assert count_classes(np.array([10, 2, 2]), np.array([2]))[0] == (2, 2, 1)


@pytest.mark.parametrize(
    ("shape", "image_shape"),
    [((4, 5), None), ((4, 5, 1), None), ((4, 5, 3), None), ((20,), (4, 5, 1))],
)
def test_examples_are_the_first_of_each_class(shape, image_shape):
    y = np.array(["b"] * 3 + ["a"] * (N_EXAMPLES + 2))
    X = np.arange(len(y)).repeat(np.prod(shape)).reshape(len(y), *shape)
    found = examples_of(data_of(X.astype(np.uint8), y, image_shape))
    assert found.names == ["a", "b"]
    assert found.n_columns == N_EXAMPLES
    of_a, of_b = found.tiles[:N_EXAMPLES], found.tiles[N_EXAMPLES:]
    levels = [tile.mean() for tile in of_a]
    assert levels == sorted(levels)
    assert len({*levels}) == N_EXAMPLES
    assert [np.isnan(tile).all() for tile in of_b] == [False] * 3 + [True] * (
        N_EXAMPLES - 3
    )
    assert found.title == "Training images of each class"
    draw_examples(found, Figure().subplots())


def test_rows_that_are_no_images_have_no_examples():
    assert examples_of(data_of(np.zeros((4, 7)), np.arange(4))) is None
    assert as_images_of(data_of(None, None), np.zeros((4, 7))) is None


def test_of_many_classes_some_are_shown():
    n_classes = MOST_CLASSES + 5
    found = examples_of(data_of(np.zeros((n_classes, 4, 4)), np.arange(n_classes)))
    assert len(found.names) == MOST_CLASSES
    assert f"the first {MOST_CLASSES} of {n_classes} classes" in found.title


@pytest.mark.parametrize("n_classes", [2, 40])
def test_the_confusion_matrix_has_names(n_classes):
    rng = np.random.default_rng(0)
    names = np.array([f"$kind_{number}$" for number in range(n_classes)])
    y, predicted = names[rng.integers(0, n_classes, (2, 200))]
    found = confusion_of(y, predicted)
    np.testing.assert_array_equal(found.counts, confusion_matrix(y, predicted))
    ax = Figure().subplots()
    draw_confusion(found, ax)
    shown = [label.get_text() for label in ax.get_yticklabels()]
    assert [each.replace("\\$", "$") for each in shown] == found.names
    assert bool(ax.texts) == (n_classes == 2)


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    """The report of a search over a folder of coloured images that are no squares."""
    folder = tmp_path_factory.mktemp("own")
    rng = np.random.default_rng(0)
    for kind, name in enumerate(NAMES):
        (folder / "images" / name).mkdir(parents=True)
        for number in range(12 + kind):
            pixels = rng.integers(0, 80, (10, 14, 3), dtype=np.uint8)
            pixels[..., kind] += 120
            Image.fromarray(pixels).save(folder / "images" / name / f"{number}.png")
    args = ["search", "--data", str(folder / "images"), "--cv", "2", "--epochs", "1"]
    args += ["--hidden-size", "2", "4", "--quiet", "--out", str(folder / "out")]
    assert main(args) == 0
    return (folder / "out" / "report.html").read_text(encoding="utf-8")


def test_a_report_on_own_images_names_classes(html):
    data = html.partition("<h2>Data</h2>")[2].partition("</table>")[0]
    rows = re.findall(r'<tr><td>(.*?)</td><td class="number">(\d+)</td>', data)
    assert [unescape(name) for name, _ in rows] == sorted(NAMES)
    assert sum(int(number) for _, number in rows) == 31
    assert "Training images of each class" in html


def test_its_pictures_are_images(html):
    for link in re.findall(r'(?:src|srcset)="(data:.*?)"', html):
        assert base64.b64decode(link.partition(",")[2]).lstrip().startswith(b"<?xml")
