"""The pictures: what they hold, what they draw, what they refuse."""

import inspect
import re
import subprocess
import sys
from decimal import Decimal

import keras
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sknn_mnist import CNNClassifier, DenseClassifier, DenseRegressor
from sknn_mnist import display as room
from sknn_mnist.display import (
    ActivationMaximizationDisplay,
    BracketsDisplay,
    FeatureMapsDisplay,
    HistoryDisplay,
    KernelsDisplay,
    MistakesDisplay,
    SearchDisplay,
    SensitivityDisplay,
)
from sknn_mnist.display._drawing import as_pictures, draw_mosaic, near_square
from sknn_mnist.display._tiles import grid_columns

mpl.use("Agg")


@pytest.fixture(autouse=True)
def no_figures_left():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def images(digits):
    X, _, y, _ = digits
    return X.reshape(-1, 8, 8), y


@pytest.fixture(scope="module")
def cnn(images):
    X, y = images
    net = CNNClassifier(
        filters=(4, 6), epochs=3, learning_rate=0.01, hidden_size=8, random_state=0
    )
    return net.fit(X, y)


@pytest.fixture(scope="module")
def dense(digits):
    X, _, y, _ = digits
    net = DenseClassifier(epochs=4, validation_split=0.2, random_state=0)
    return net.fit(X, y)


@pytest.fixture(scope="module")
def search(digits):
    X, _, y, _ = digits
    grid = {"epochs": [1, 3], "hidden_size": [8, (8, 8)], "dropout": [0.0, 0.9]}
    net = DenseClassifier(memory=":memory:", random_state=0)
    return GridSearchCV(net, grid, cv=2, return_train_score=True).fit(X, y)


# A halving of two candidates.
RUNGS = {
    "param_a": [1, 2, 2],
    "mean_test_score": [0.5, 0.6, 0.7],
    "iter": [0, 0, 1],
    "n_resources": [1, 1, 3],
}

DISPLAYS = {
    "history": lambda s: HistoryDisplay.from_estimator(s["dense"]),
    "brackets": lambda s: BracketsDisplay.from_search(RUNGS),
    "search": lambda s: SearchDisplay.from_search(s["search"]),
    "kernels": lambda s: KernelsDisplay.from_estimator(s["cnn"], 1),
    "maps": lambda s: FeatureMapsDisplay.from_estimator(s["cnn"], s["X"][:3]),
    "looked for": lambda s: ActivationMaximizationDisplay.from_estimator(
        s["cnn"], n_steps=2
    ),
    "deconvolution": lambda s: room.DeconvolutionDisplay.from_estimator(
        s["cnn"], s["X"][:99], filters=[0, 3]
    ),
    "sensitivity": lambda s: SensitivityDisplay.from_estimator(s["cnn"], s["X"][:3]),
    "mistakes": lambda s: MistakesDisplay.from_estimator(s["cnn"], s["X"], s["y"]),
}


def test_each_display_is_among_them(cnn, dense, search, images):
    X, y = images
    subjects = {"cnn": cnn, "dense": dense, "search": search, "X": X, "y": y}
    made = {type(make(subjects)).__name__ for make in DISPLAYS.values()}
    assert made == set(room.__all__)


@pytest.mark.parametrize("name", DISPLAYS)
def test_displays_behave_alike(name, cnn, dense, search, images):
    X, y = images
    subjects = {"cnn": cnn, "dense": dense, "search": search, "X": X, "y": y}
    display = DISPLAYS[name](subjects)
    assert not hasattr(display, "ax_")
    assert display.plot() is display
    assert isinstance(display.figure_, Figure)
    assert_legible(display.figure_)
    axes = np.atleast_1d(display.ax_)
    assert all(ax.figure is display.figure_ for ax in axes)
    # On axes that are given, and again.
    figure, given = plt.subplots(1, len(axes), squeeze=False)
    display.plot(ax=given[0] if len(axes) > 1 else given[0][0])
    assert display.figure_ is figure
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())
    assert len(np.unique(pixels.reshape(-1, 4), axis=0)) > 20
    frame = display.frame()
    assert isinstance(frame, pd.DataFrame)
    assert len(frame) > 0
    told = inspect.getdoc(type(display)) + inspect.getdoc(type(display).frame)
    own = {getattr(display, each, None) for each in ("x", "hue", "resource")}
    assert [each for each in frame if each not in own and each not in told] == []
    assert any(each.startswith("from_") for each in vars(type(display)))


def assert_legible(figure):
    """As narrow as a phone can show with letters that can be read."""
    assert figure.get_figwidth() <= 6.4
    texts = [each for each in figure.findobj(Text) if each.get_text().strip()]
    assert min(each.get_fontsize() for each in texts) >= 10


def test_without_matplotlib_there_is_one_sentence():
    code = """if True:
        import sys
        sys.modules["matplotlib"] = None
        from sknn_mnist.display import HistoryDisplay
        HistoryDisplay.from_history({"loss": [1.0]}).plot()
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip().splitlines()[-1] == (
        "ImportError: HistoryDisplay needs matplotlib. Install it with "
        "`pip install 'sknn-mnist[plot]'`."
    )


# -- learning curves ---------------------------------------------------------------


def test_history_holds_each_value(dense):
    display = HistoryDisplay.from_estimator(dense)
    frame = display.frame()
    assert len(frame) == 4 * 4
    assert set(frame["estimator"]) == {"DenseClassifier"}
    chosen = frame[(frame["metric"] == "accuracy") & (frame["set"] == "validation")]
    assert chosen["epoch"].tolist() == [1, 2, 3, 4]
    assert chosen["value"].tolist() == dense.history_["val_accuracy"]
    display.plot()
    assert [ax.get_ylabel() for ax in display.ax_] == ["loss", "accuracy"]
    lines = display.ax_[0].get_lines()
    assert [line.get_label() for line in lines] == ["training", "validation"]
    np.testing.assert_allclose(lines[0].get_ydata(), dense.history_["loss"])
    assert [line.get_linestyle() for line in lines] == ["-", "--"]


def test_several_estimators_are_compared(dense, cnn, search):
    pipe = make_pipeline(MinMaxScaler(), dense)
    display = HistoryDisplay.from_estimator({"a": pipe, "b": cnn, "c": search})
    display.plot(metrics="loss")
    labels = [line.get_label() for line in display.ax_.get_lines()]
    assert labels == ["a, training", "a, validation", "b, training", "c, training"]
    colours = [line.get_color() for line in display.ax_.get_lines()]
    assert colours[0] == colours[1]
    assert len(set(colours)) == 3


def test_histories_of_keras_and_dicts_are_taken():
    history = keras.callbacks.History()
    history.history = {"loss": [2.0, 1.0], "f1": [[0.1, 0.2], [0.3, 0.4]]}
    one = HistoryDisplay.from_history(history, name="mine").frame()
    assert one["value"].tolist() == [2.0, 1.0]
    both = HistoryDisplay.from_history({"x": history, "y": {"loss": [3.0]}}).frame()
    assert both["estimator"].tolist() == ["x", "x", "y"]


def test_bad_histories_are_refused(dense):
    with pytest.raises(NotFittedError, match="no history yet"):
        HistoryDisplay.from_estimator(DenseClassifier())
    with pytest.raises(TypeError, match="must have a history_"):
        HistoryDisplay.from_estimator(LogisticRegression())
    with pytest.raises(TypeError, match="must be a dict of metrics"):
        HistoryDisplay.from_history([1.0])
    display = HistoryDisplay.from_estimator(dense)
    with pytest.raises(ValueError, match=re.escape("(did you mean 'accuracy'?)")):
        display.plot(metrics="acuracy")
    with pytest.raises(ValueError, match="must hold 2 axes"):
        display.plot(ax=plt.subplots()[1])


# -- the best epoch ------------------------------------------------------------------


LOSSES = {
    "loss": [3.0, 2.0, 1.0, 0.5, 0.4],
    "val_loss": [3.0, 2.0, 1.5, 1.75, 1.875],
    "accuracy": [0.1, 0.2, 0.3, 0.4, 0.5],
    "val_accuracy": [0.1, 0.2, 0.25, 0.2, 0.3],
}


def stopped(monitor, best_epoch, history=LOSSES):
    """A fitted net as early stopping leaves it."""
    net = DenseClassifier()
    net.history_, net.best_epoch_ = history, best_epoch
    net.monitor = monitor
    return net


def marks_of(panel):
    return [line for line in panel.get_lines() if line.get_marker() == "*"]


def legend_of(display):
    panels = np.atleast_1d(display.ax_)
    texts = [each.get_text() for each in panels[-1].get_legend().get_texts()]
    labels = [each.get_label() for each in panels[0].get_lines() + panels[0].patches]
    return [each for each in labels if each in texts]


def test_the_best_epoch_is_marked_where_it_was_judged():
    display = HistoryDisplay.from_estimator(stopped("val_loss", 2)).plot()
    places = [
        [(*mark.get_xdata(), *mark.get_ydata()) for mark in marks_of(panel)]
        for panel in display.ax_
    ]
    assert places == [[(3, 1.5)], [(3, 0.25)]]
    assert legend_of(display) == [
        *("training", "validation"),
        *("best epoch 3 (val_loss 1.5)", "2 epochs after it"),
    ]
    (shade,) = display.ax_[0].patches
    drawn = shade.get_path().vertices[:, 0]
    if hasattr(shade, "get_x"):  # a rectangle, since Matplotlib 3.9
        drawn = np.array([shade.get_x(), shade.get_x() + shade.get_width()])
    assert (drawn.min(), drawn.max()) == (3, 5)


def test_the_best_epoch_may_be_told_by_training_and_be_the_last():
    net = stopped("accuracy", 4)
    display = HistoryDisplay.from_estimator(net).plot(metrics="accuracy")
    (mark,) = marks_of(display.ax_)
    assert (*mark.get_xdata(), *mark.get_ydata()) == (5, 0.5)
    assert legend_of(display)[2:] == ["best epoch 5 (accuracy 0.5)"]
    assert not display.ax_.patches
    only = stopped("val_loss", 1, {"loss": [2.0, 1.0], "val_loss": [1.0, 0.5]})
    only.history_["lr"] = [0.1, 0.2]  # a metric without validation
    (mark,) = marks_of(HistoryDisplay.from_estimator(only).plot(metrics="lr").ax_)
    assert mark.get_ydata().tolist() == [0.2]


def test_each_of_several_has_its_best_epoch(dense):
    nets = {"a": stopped("val_loss", 2), "$b": stopped("val_loss", 3), "c": dense}
    search = GridSearchCV(DenseClassifier(), {})
    search.best_estimator_ = make_pipeline(MinMaxScaler(), nets["$b"])
    display = HistoryDisplay.from_estimator({**nets, "$b": search}).plot()
    assert display.best_epochs == {"a": 2, "$b": 3}
    assert legend_of(display)[-2:] == [
        "a, best epoch 3 (val_loss 1.5)",
        r"\$b, best epoch 4 (val_loss 1.75)",
    ]
    colours = [mark.get_color() for mark in marks_of(display.ax_[0])]
    lines = {line.get_label(): line for line in display.ax_[0].get_lines()}
    names = ("a, validation", r"\$b, validation")
    assert colours == [lines[name].get_color() for name in names]


def test_the_mark_can_be_left_out_and_styled(dense):
    display = HistoryDisplay.from_estimator(stopped("val_loss", 2))
    assert not marks_of(display.plot(mark_best=False).ax_[0])
    assert legend_of(display) == ["training", "validation"]
    styled = display.plot(best_kw={"marker": "D", "ms": 5, "label": "mine", "c": "k"})
    (mark,) = (line for line in styled.ax_[0].get_lines() if line.get_marker() == "D")
    assert (mark.get_markersize(), mark.get_label()) == (5, "mine")
    plain = HistoryDisplay.from_estimator(dense)
    assert plain.best_epochs == {}
    assert not marks_of(plain.plot().ax_[0])


def test_best_epochs_that_are_none_are_refused():
    histories = {"a": LOSSES}
    with pytest.raises(TypeError, match=r"some of \['a'\]. Got \{'b': 1\}"):
        HistoryDisplay(histories, best_epochs={"b": 1})
    for wrong in (5, -1, 1.0, True):
        with pytest.raises(ValueError, match=r"hold ints in the range \[0, 5\)"):
            HistoryDisplay(histories, best_epochs={"a": wrong})
    with pytest.raises(ValueError, match=r"'monitors'.*name of a metric"):
        HistoryDisplay(histories, monitors={"a": 1})
    display = HistoryDisplay(histories, best_epochs={"a": 1}, monitors={"a": "other"})
    assert legend_of(display.plot())[2] == "best epoch 2"
    with pytest.raises(ValueError, match="'best_kw'"):
        display.plot(best_kw={"colour": "red"})
    with pytest.raises((TypeError, ValueError), match="'mark_best'"):
        display.plot(mark_best="yes")


def test_lines_can_be_seen_on_dark_paper():
    many = HistoryDisplay({str(n): {"loss": [n, 0.0]} for n in range(9)})
    seven = HistoryDisplay({str(n): {"loss": [n, 0.0]} for n in range(7)})
    for style, paper, least in (("default", 1.0, 1.3), ("dark_background", 0.0, 3)):
        with plt.style.context(style):
            for display in (many, seven):
                colours = [line.get_color() for line in display.plot().ax_.get_lines()]
                assert len({*map(mpl.colors.to_hex, colours)}) == len(colours)
                assert all(contrast(each, paper) > least for each in colours)


def contrast(colour, paper):
    """Of WCAG: from the luminance of a colour and that of what is behind it."""
    rgb = np.array(mpl.colors.to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    low, high = sorted([linear @ [0.2126, 0.7152, 0.0722], paper])
    return (high + 0.05) / (low + 0.05)


# -- searches ----------------------------------------------------------------------


def test_search_shows_the_best_of_each_place(search):
    display = SearchDisplay.from_search(search, hue="hidden_size")
    assert (display.x, display.metric) == ("epochs", "score")
    results = pd.DataFrame(search.cv_results_)
    for _, row in display.frame().iterrows():
        there = results[
            (results["param_epochs"] == row["epochs"])
            & (results["param_hidden_size"].map(str) == str(row["hidden_size"]))
        ]
        assert row["n_candidates"] == len(there) == 2
        best = there.loc[there["mean_test_score"].idxmax()]
        assert row["mean_test"] == best["mean_test_score"]
        assert row["std_test"] == best["std_test_score"]
        assert row["mean_train"] == best["mean_train_score"]


def test_heatmap_writes_the_scores_and_frames_the_best(search):
    display = SearchDisplay.from_search(search, hue="hidden_size").plot()
    written = {text.get_text() for text in display.ax_.texts}
    assert written == {f"{score:.4f}" for score in display.frame()["mean_test"]}
    (frame,) = display.ax_.patches
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["1", "3"]
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == [
        "8",
        "(8, 8)",
    ]
    column, row = round(frame.get_x() + 0.5), round(frame.get_y() + 0.5)
    cells = np.asarray(display.ax_.images[0].get_array())
    assert cells[row, column] == cells.max() == search.best_score_


def test_lines_have_a_band_of_the_folds(search):
    display = SearchDisplay.from_search(search, x="dropout", hue="epochs")
    display.plot(kind="lines", train=True)
    assert len(display.ax_.get_lines()) == 4
    assert len(display.ax_.collections) == 4
    line = display.ax_.get_lines()[0]
    first = display.frame().query("epochs == 1")
    np.testing.assert_allclose(line.get_xdata(), [0.0, 0.9])
    np.testing.assert_allclose(line.get_ydata(), first["mean_test"])
    band = display.ax_.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() >= (first["mean_test"] + first["std_test"]).max() - 1e-9


def test_halving_shows_each_round_against_epochs(digits):
    X, _, y, _ = digits
    halving = HalvingGridSearchCV(
        DenseClassifier(memory=":memory:", random_state=0),
        {"hidden_size": [4, 8, 16, 32]},
        resource="epochs",
        max_resources=4,
        min_resources=1,
        factor=2,
        cv=2,
    ).fit(X[:200], y[:200])
    display = SearchDisplay.from_search(halving, x="n_resources", hue="hidden_size")
    assert len(display.frame()) == sum(halving.n_candidates_)
    # Without the rounds: each candidate once, at its last.
    last = SearchDisplay.from_search(halving, x="hidden_size", hue=None)
    assert set(last.frame()["hidden_size"]) == {4, 8, 16, 32}
    display.plot(kind="lines")


def test_failed_candidates_leave_a_dash():
    results = {
        "params": [{"a": 1}, {"a": 2}],
        "param_a": [1, 2],
        "mean_test_score": [np.nan, 0.5],
    }
    display = SearchDisplay.from_search(results)
    assert display.hue is None
    display.plot()
    assert [text.get_text() for text in display.ax_.texts] == ["–", "0.5000"]
    display.plot(kind="lines")
    results["mean_test_score"] = [np.nan, np.nan]
    with pytest.raises(ValueError, match="every fit failed"):
        SearchDisplay.from_search(results)


def test_bad_searches_are_refused(search):
    with pytest.raises(ValueError, match="must name another parameter than 'x'"):
        SearchDisplay.from_search(search, x="epochs", hue="epochs")
    with pytest.raises(ValueError, match="some of the searched parameters"):
        SearchDisplay.from_search(search, x="filters")
    with pytest.raises(ValueError, match="'metric' parameter of SearchDisplay"):
        SearchDisplay.from_search(search, metric="f1")
    with pytest.raises(ValueError, match=r"one of \{'heatmap', 'lines'\}"):
        SearchDisplay.from_search(search).plot(kind="bars")
    with pytest.raises(NotFittedError):
        SearchDisplay.from_search(GridSearchCV(DenseClassifier(), {}))


# -- layers and images -------------------------------------------------------------


def test_kernels_are_the_nets_own(cnn):
    first, second = cnn.kernels_
    assert first.shape == (3, 3, 1, 4)
    assert second.shape == (3, 3, 4, 6)
    np.testing.assert_array_equal(
        first, cnn.model_.get_layer("conv_1").get_weights()[0]
    )
    first[:] = 0  # a copy
    assert cnn.kernels_[0].any()
    display = KernelsDisplay.from_estimator(cnn, layer="conv_2")
    np.testing.assert_array_equal(display.kernels, second)
    display.plot()
    image = np.asarray(display.ax_.images[0].get_array(), dtype=float)
    # One row per channel, one column per filter: the first tile is of channel 0 and
    # filter 0.
    first, next_ = image[3:27:8, 0:24:8], image[3:27:8, 27:51:8]
    np.testing.assert_allclose(first, second[:, :, 0, 0], atol=1e-7)
    np.testing.assert_allclose(next_, second[:, :, 0, 1], atol=1e-7)
    low, high = display.ax_.images[0].get_clim()
    assert low == -high
    assert 0.97 < (np.abs(second) <= high).mean() < 1
    assert display.colorbar_.extend == "both"


def test_kernels_of_a_fit_that_diverged_are_refused(images):
    X, y = images
    net = CNNClassifier(filters=2, hidden_size=(), epochs=1, random_state=0).fit(X, y)
    kernel, bias = net.model_.layers[0].get_weights()
    kernel[0, 0] = [[np.nan, np.inf]]
    net.model_.layers[0].set_weights([kernel, bias])
    with pytest.raises(ValueError, match=r"'estimator' .*diverged.* Got 2 of 18 that"):
        KernelsDisplay.from_estimator(net)


@pytest.mark.parametrize("filters", [2, 64])
def test_few_and_many_filters_make_a_grid(filters):
    kernels = np.random.default_rng(0).normal(size=(3, 3, 1, filters))
    display = KernelsDisplay(kernels).plot()
    height, width = display.ax_.images[0].get_array().shape
    assert 0.4 < height / width < 2.5
    inches = display.figure_.get_size_inches()
    assert inches.max() < 7
    many = KernelsDisplay(np.repeat(kernels, 64, axis=2)).plot()
    assert many.figure_.get_size_inches().max() < 7


def test_rows_of_tiles_are_full_where_they_can_be():
    assert [grid_columns(n) for n in (1, 2, 4, 8, 12, 32)] == [1, 2, 4, 4, 6, 8]
    assert [grid_columns(n) for n in (6, 7, 97)] == [3, 4, 8]


def test_nearly_square_grids_are_full_where_they_can_be():
    assert [near_square(n) for n in (1, 2, 4, 8, 12, 32, 64)] == [1, 2, 2, 4, 4, 8, 8]
    assert near_square(7) == 3
    assert near_square(97) == 10


def test_tiles_stand_where_they_belong():
    _, ax = plt.subplots()
    tiles = [np.full((4, 4), value) for value in (1.0, 2.0, 3.0)]
    canvas = np.ma.filled(draw_mosaic(ax, tiles, 2).get_array(), np.nan)
    # A pixel of so small a tile is six of the canvas, so that gaps can be three.
    assert canvas.shape == (2 * 27, 2 * 27 - 3)
    assert (canvas[3:27, :24] == 1).all()
    assert (canvas[3:27, 27:] == 2).all()
    assert (canvas[30:, :24] == 3).all()
    assert np.isnan(canvas[27:, 24:]).all()
    captions = ["a", "b\nb", "c"]
    image = draw_mosaic(plt.subplots()[1], tiles, 2, captions=captions)
    assert [text.get_text() for text in image.axes.texts] == captions
    # Two lines above each row.
    assert image.get_array().shape[0] > 2 * 27 + 6


def test_mistakes_come_most_confident_first(cnn, images):
    X, y = images
    display = MistakesDisplay.from_estimator(cnn, X, y)
    frame = display.frame()
    predicted, probabilities = cnn.predict(X), cnn.predict_proba(X)
    assert sorted(frame["index"]) == np.flatnonzero(predicted != y).tolist()
    assert (frame["y_true"] != frame["y_pred"]).all()
    np.testing.assert_array_equal(frame["y_true"], y[frame["index"]])
    np.testing.assert_allclose(
        frame["probability"], probabilities[frame["index"]].max(axis=1)
    )
    assert frame["probability"].is_monotonic_decreasing
    np.testing.assert_array_equal(display.images[0, ..., 0], X[frame["index"][0]])
    display.plot(n_images=3)
    first = frame.iloc[0]
    assert display.ax_.texts[0].get_text() == (
        f"{first['y_true']:.0f}, not {first['y_pred']:.0f}\n"
        f"({first['probability']:.2f})"
    )
    assert display.ax_.get_title() == f"{len(frame)} of {len(X):,} wrong"


def test_no_mistakes_can_be_shown(cnn, images):
    X = images[0][:5]
    display = MistakesDisplay.from_estimator(cnn, X, cnn.predict(X)).plot()
    assert display.ax_.get_title() == "0 of 5 wrong"


def test_mistakes_of_any_classifier(digits):
    X, X_test, y, y_test = digits
    model = LogisticRegression(max_iter=20, C=0.01).fit(X, y)
    display = MistakesDisplay.from_estimator(model, X_test, y_test).plot()
    assert display.images.shape[1:] == (8, 8, 1)
    with pytest.raises(TypeError, match="must be a classifier"):
        MistakesDisplay.from_estimator(DenseRegressor(), X_test, y_test)
    with pytest.raises(ValueError, match="a label for each of the 540 images"):
        MistakesDisplay.from_estimator(model, X_test, y_test[:-1])


def test_colour_images_are_shown_in_colours():
    rng = np.random.default_rng(0)
    X, y = rng.uniform(size=(20, 6, 6, 3)), np.arange(20) % 2
    net = CNNClassifier(filters=2, hidden_size=(), epochs=1, random_state=0).fit(X, y)
    display = MistakesDisplay.from_estimator(net, X, 1 - net.predict(X)).plot()
    assert display.ax_.images[0].get_array().shape[-1] == 4  # with what is not there
    SensitivityDisplay.from_estimator(net, X[:2], method="gradient").plot()
    ActivationMaximizationDisplay.from_estimator(net, n_steps=2).plot()


def test_sensitivity_names_the_classes(cnn, images):
    X, _ = images
    display = SensitivityDisplay.from_estimator(cnn, X[:3], target=7, method="gradient")
    assert list(display.labels) == ["7", "7", "7"]
    assert display.plot().colorbar_ is None
    hidden = SensitivityDisplay.from_estimator(cnn, X[:3], patch_size=2)
    assert hidden.labels == [str(each) for each in cnn.predict(X[:3])]
    assert hidden.plot().colorbar_ is not None
    with pytest.raises(ValueError, match="'method' parameter of SensitivityDisplay"):
        SensitivityDisplay.from_estimator(cnn, X[:3], method="saliency")


# -- what users bring -----------------------------------------------------------------


def grid_of(**columns):
    rows = [
        dict(zip(columns, values, strict=True))
        for values in zip(*columns.values(), strict=True)
    ]
    names = [name for name in columns if name != "score"]
    return {
        "params": [{name: row[name] for name in names} for row in rows],
        **{f"param_{name}": columns[name] for name in names},
        "mean_test_score": columns["score"],
        "std_test_score": [0.01] * len(rows),
    }


def framed(display):
    (frame,) = display.ax_.patches
    return frame.get_x() + 0.5, frame.get_y() + 0.5


def ticks(axis):
    return [each.get_text() for each in axis.get_ticklabels()]


def test_the_frame_is_around_what_the_search_chose(digits):
    X, _, y, _ = digits
    scores = {16: 0.5, 64: 0.9, 32: 0.9}  # a tie: scikit-learn takes the first

    def scoring(estimator, X, y):
        return scores[estimator.hidden_size]

    grid = {"hidden_size": [64, 32, 16], "dropout": [0.0, 0.1]}
    search = GridSearchCV(DenseClassifier(epochs=1), grid, cv=2, scoring=scoring)
    search.set_params(refit=False).fit(X[:60], y[:60])
    display = SearchDisplay.from_search(search, x="hidden_size", hue="dropout").plot()
    x, y_ = framed(display)
    assert ticks(display.ax_.xaxis)[int(x)] == str(search.best_params_["hidden_size"])
    assert ticks(display.ax_.yaxis)[int(y_)] == str(search.best_params_["dropout"])


def test_what_halving_gave_up_is_not_framed():
    results = {
        **grid_of(epochs=[3, 3, 9], hidden_size=[64, 32, 32], score=[0.94, 0.93, 0.90]),
        "iter": [0, 0, 1],
        "n_resources": [3, 3, 9],
    }
    display = SearchDisplay.from_search(results, x="epochs", hue="hidden_size").plot()
    assert framed(display) == (1, 0)


def test_values_of_incomplete_grids_come_in_order():
    results = grid_of(a=[1, 2, 2], b=[64, 32, 128], score=[0.1, 0.2, 0.3])
    display = SearchDisplay.from_search(results, x="a", hue="b")
    assert ticks(display.plot().ax_.yaxis) == ["32", "64", "128"]
    legend = display.plot(kind="lines").ax_.get_legend()
    assert [each.get_text() for each in legend.get_texts()] == ["b=32", "b=64", "b=128"]


def test_values_that_read_alike_or_are_missing_stay_apart():
    results = grid_of(
        a=[None, "None", (32,), "(32,)", float("nan")] * 2,
        b=[1] * 5 + [2] * 5,
        score=np.linspace(0, 1, 10),
    )
    display = SearchDisplay.from_search(results, x="a", hue="b").plot()
    assert len(ticks(display.ax_.xaxis)) == 5
    assert len(display.ax_.texts) == 10
    assert "–" not in [each.get_text() for each in display.ax_.texts]
    display.plot(kind="lines")
    assert [len(line.get_xdata()) for line in display.ax_.lines] == [5, 5]


def test_the_only_parameter_can_not_be_the_hue():
    with pytest.raises(ValueError, match="'a' is the only one that was searched"):
        SearchDisplay.from_search(grid_of(a=[1, 2], score=[0.1, 0.2]), hue="a")


def test_dollars_are_dollars(digits):
    X, _, y, _ = digits
    names = np.array(["$0-$10", "$^_", "$x"])
    clf = DenseClassifier(hidden_size=2, epochs=1, random_state=0)
    clf.fit(X[:90], names[y[:90] % 3])
    displays = [
        MistakesDisplay.from_estimator(clf, X[:30], names[(y[:30] + 1) % 3]).plot(),
        SensitivityDisplay.from_estimator(clf, X[:3]).plot(),
        HistoryDisplay.from_estimator({"$^_": clf, "$x": clf}).plot(),
        SearchDisplay.from_search(grid_of(a=["$^_", "$x"], score=[0.1, 0.2])).plot(),
    ]
    for display in displays:
        display.figure_.canvas.draw()  # would fail on a formula
    shown = " ".join(each.get_text() for each in displays[0].ax_.texts)
    assert not re.search(r"(?<!\\)\$", shown)


def test_sensitivity_shows_what_the_network_is_fed(digits):
    X, _, y, _ = digits
    nets = {
        (4, 4, 1): make_pipeline(PCA(16), DenseClassifier(epochs=1)),
        (4, 16, 1): CNNClassifier(image_shape=(4, 16), filters=2, epochs=1),
        (4, 8, 2): CNNClassifier(image_shape=(4, 8, 2), filters=2, epochs=1),
    }
    for shape, net in nets.items():
        net.fit(X[:100], y[:100])
        display = SensitivityDisplay.from_estimator(net, X[:3]).plot()
        assert display.images.shape == (3, *shape)
        if shape != (4, 4, 1):
            mistakes = MistakesDisplay.from_estimator(net, X[:50], y[:50])
            assert mistakes.images.shape[1:] == shape
            np.testing.assert_array_equal(
                mistakes.images[0].ravel(), X[mistakes.index[0]]
            )


def test_sensitivity_of_several_outputs(digits):
    X, _, _, _ = digits
    regressor = DenseRegressor(epochs=1).fit(X, X[:, :2])
    assert SensitivityDisplay.from_estimator(regressor, X[:3]).plot().labels == []
    several = DenseClassifier(epochs=1).fit(X, (X[:, 10:13] > 0.5).astype(int))
    labels = SensitivityDisplay.from_estimator(several, X[:3]).plot().labels
    assert len(labels) == 3
    assert set(labels) <= {"0", "1", "2"}


def test_mistakes_are_those_of_predict(digits):
    X, _, y, _ = digits
    frame = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(64)])
    picky = make_pipeline(
        make_column_transformer((StandardScaler(), list(frame.columns))),
        DenseClassifier(hidden_size=4, epochs=2, random_state=0),
    )
    thresholded = FixedThresholdClassifier(
        picky, threshold=0.9, response_method="predict_proba"
    )
    for net, labels in ((picky, y), (thresholded, y > 4)):
        net.fit(frame, labels)
        display = MistakesDisplay.from_estimator(net, frame, labels)
        wrong = net.predict(frame) != labels
        assert sorted(display.index) == list(np.flatnonzero(wrong))
        proba = net.predict_proba(frame)
        place = list(net.classes_).index(display.y_pred[0])
        assert display.probability[0] == pytest.approx(proba[display.index[0], place])


def test_half_precision_is_drawn():
    maps = keras.ops.convert_to_numpy(keras.ops.ones((2, 3, 3, 2), "bfloat16"))
    FeatureMapsDisplay(maps).plot()
    KernelsDisplay(maps).plot()
    ActivationMaximizationDisplay(maps).plot()


@pytest.mark.parametrize("dtype", ["bool", "int8"])
def test_small_numbers_are_drawn_as_what_they_are(dtype):
    rng = np.random.default_rng(0)
    low, high = (0, 2) if dtype == "bool" else (-128, 128)
    small = rng.integers(low, high, (2, 3, 3, 1)).astype(dtype)
    small[0, 0, 0], small[0, 0, 1] = (high - 1), low
    names, ones = ["a", "b"], np.ones((2, 1), int)

    def made(cells):
        return [
            FeatureMapsDisplay(cells),
            KernelsDisplay(cells.T),
            ActivationMaximizationDisplay(cells),
            SensitivityDisplay(cells, cells[..., 0], names, "gradient"),
            SensitivityDisplay(cells, cells[..., 0], names),
            MistakesDisplay(cells, names, names, [0.9, 0.6], [0, 1], 2),
            room.DeconvolutionDisplay(
                *(cells[:, None], cells[:, None], ones, ones),
                *(np.ones((2, 1, 2), int), [0, 1]),
            ),
        ]

    for display, expected in zip(made(small), made(small.astype(float)), strict=True):
        np.testing.assert_allclose(
            shown(display.plot()), shown(expected.plot()), atol=1e-5, rtol=1e-5
        )


def test_a_history_may_have_a_number_for_its_name(dense):
    display = HistoryDisplay.from_estimator(dense, name=32)
    assert set(display.frame()["estimator"]) == {"32"}
    history = {"loss": [Decimal("2.5"), Decimal("1.5")]}
    display = HistoryDisplay.from_history(history, name=0.5)
    assert display.frame()["estimator"].unique().tolist() == ["0.5"]
    assert display.frame()["value"].tolist() == [2.5, 1.5]
    display.plot()


def shown(display):
    """Return the values of a picture's tiles, without what is between them."""
    values = display.ax_.get_images()[0].get_array()
    return np.ma.masked_invalid(values).compressed()


def test_pictures_use_all_of_their_scale():
    rng = np.random.default_rng(0)
    images = 5 + 4 * rng.random((3, 4, 4, 1))
    values = shown(room.ActivationMaximizationDisplay(images).plot())
    assert (values.min(), values.max()) == (0, 1)
    # Of tiles of 4×4, each pixel is drawn as 6×6.
    assert np.isclose(values, 0).sum() == np.isclose(values, 1).sum() == 3 * 36
    flat = shown(room.ActivationMaximizationDisplay(np.full((2, 4, 4, 1), 7.0)).plot())
    assert set(flat) == {0}
    low, high = images.min(), images.max()
    coloured = as_pictures(np.repeat(images, 3, axis=-1))
    np.testing.assert_allclose(
        coloured[1][..., 0], (images[1, ..., 0] - low) / (high - low)
    )
    sensitivity = np.ones((3, 4, 4))
    display = room.SensitivityDisplay(images, sensitivity, list("abc"), "gradient")
    picture = display.plot().ax_.get_images()[0].get_array()
    # Dark on white: the largest value of each image is black, the least white.
    above = picture[: picture.shape[0] // 2, ..., :3][
        picture[: picture.shape[0] // 2, ..., 3] > 0
    ]
    assert (above.min(), above.max()) == (0, 1)


def test_names_of_classes_have_lines_of_their_own():
    names = np.array(["$cat$", "a dog of a rare breed"])
    display = MistakesDisplay(
        np.zeros((2, 4, 4, 1)), names, names[::-1], [0.9, 0.6], [1, 0], n_samples=9
    ).plot()
    shown = [text.get_text().splitlines() for text in display.ax_.texts]
    assert shown == [
        [r"\$cat\$,", "not a dog of …", "(0.90)"],
        ["a dog of a ra…", r"not \$cat\$", "(0.60)"],
    ]
    display.figure_.canvas.draw()
    bottom, top = display.ax_.get_ylim()
    assert all(min(bottom, top) <= text.get_position()[1] for text in display.ax_.texts)
