"""Pictures can be read: nothing covers the curves, few tiles, of one size, labelled."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib import style

from sknn_mnist.display import (
    ActivationMaximizationDisplay,
    BracketsDisplay,
    DeconvolutionDisplay,
    FeatureMapsDisplay,
    HistoryDisplay,
    KernelsDisplay,
    MistakesDisplay,
    SearchDisplay,
    SensitivityDisplay,
)

mpl.use("Agg")


@pytest.fixture(autouse=True)
def no_figures_left():
    yield
    plt.close("all")


# -- legends -----------------------------------------------------------------------

CURVE = {"loss": [3.0, 1.0, 0.5], "val_loss": [3.0, 2.0, 2.5], "acc": [0.1, 0.5, 0.9]}
SEARCH = pd.DataFrame(
    {
        "a": np.repeat([1, 2, 3], 4),
        "b": [f"the value {each}" for each in range(4)] * 3,
        "mean_test": np.linspace(0, 1, 12),
        "mean_train": np.linspace(0.2, 1.1, 12),
    }
)
RUNGS = {
    "param_a": [1, 2, 3, 3],
    "mean_test_score": [0.1, 0.5, 0.6, 0.7],
    "iter": [0, 0, 0, 1],
    "n_resources": [1, 1, 1, 3],
}

LEGENDS = {
    "few": lambda ax: HistoryDisplay({"net": CURVE}).plot(metrics="loss", ax=ax),
    "marked": lambda ax: HistoryDisplay({"net": CURVE}, best_epochs={"net": 1}).plot(
        metrics="loss", ax=ax
    ),
    "many": lambda ax: HistoryDisplay(
        {f"a net of a long name, {n}": CURVE for n in range(6)}
    ).plot(metrics="loss", ax=ax),
    "search": lambda ax: SearchDisplay(SEARCH, "a", "b").plot(
        kind="lines", train=True, ax=ax
    ),
    "brackets": lambda ax: BracketsDisplay.from_search(RUNGS).plot(ax=ax),
}


def assert_clear(figure):
    """The legends are inside the figure, and cover neither axes nor their labels."""
    figure.canvas.draw()
    legends = [ax.get_legend() for ax in figure.axes if ax.get_legend()]
    assert legends
    for legend in legends:
        box = legend.get_window_extent()
        for ax in figure.axes:
            covered = [ax.get_window_extent(), ax.xaxis.get_tightbbox()]
            assert not any(box.overlaps(each) for each in covered)
            assert ax.get_window_extent().height > 20
        assert box.y0 >= 0
        assert 0 <= box.x0 < box.x1 <= figure.bbox.x1 + 1


@pytest.mark.parametrize("name", LEGENDS)
def test_legends_cover_no_curve(name):
    display = LEGENDS[name](None)
    assert_clear(display.figure_)
    # The axes have the room that they would have without.
    assert display.ax_.get_window_extent().height > 200
    for layout in (None, "constrained"):
        figure, axes = plt.subplots(2, figsize=(4.5, 10), layout=layout)
        for ax in axes:
            LEGENDS[name](ax)
        assert_clear(figure)
        before = axes[0].get_window_extent().height
        LEGENDS[name](axes[0])  # again, on the same axes
        assert_clear(figure)
        assert axes[0].get_window_extent().height == pytest.approx(before, abs=1)


def test_panels_side_by_side_stay_of_one_height():
    figure, axes = plt.subplots(1, 2, figsize=(9, 4))
    HistoryDisplay({"net": CURVE}).plot(ax=axes)
    assert_clear(figure)
    assert axes[0].get_position().y0 == axes[1].get_position().y0


def test_new_panels_share_their_epochs_and_one_legend():
    display = HistoryDisplay({"a": CURVE, "b": {"acc": [0.5]}}).plot()
    loss, accuracy = display.ax_
    assert loss.get_legend() is None
    texts = [each.get_text() for each in accuracy.get_legend().get_texts()]
    assert sorted(texts) == ["a, training", "a, validation", "b, training"]
    assert loss.get_xlim() == accuracy.get_xlim()
    assert loss.get_window_extent().y0 > accuracy.get_window_extent().y1


# -- heat maps ---------------------------------------------------------------------


def searched(**columns):
    return {
        "params": [{}] * len(columns["score"]),
        **{f"param_{key}": columns[key] for key in columns if key != "score"},
        "mean_test_score": columns["score"],
    }


def test_a_heat_map_says_over_what_it_is_the_best():
    score = np.linspace(0, 1, 8)
    a, b, c = [1, 2] * 4, [1, 1, 2, 2] * 2, [1, 1, 1, 1, 2, 2, 2, 2]
    display = SearchDisplay.from_search(searched(a=a, b=b, c=c, score=score), x="a")
    assert display.over == ["c"]
    assert display.plot().ax_.get_title() == "each cell: best over c"
    display.plot(kind="lines")
    assert display.ax_.get_title() == "each point: best over c"
    assert display.colorbar_ is None
    # Without candidates that share a cell, there is nothing to say.
    alone = SearchDisplay.from_search(searched(a=a[:4], b=b[:4], score=score[:4]))
    assert alone.over == []
    assert alone.plot().ax_.get_title() == ""
    assert alone.colorbar_.ax.get_ylabel() == "mean test score"
    # One that goes with a parameter shown is the best over none.
    along = searched(a=a[:4], b=b[:4], d=[x * 10 for x in b[:4]], score=score[:4])
    assert SearchDisplay.from_search(along, x="a", hue="b").over == []
    table = pd.DataFrame({"a": [1, 2], "mean_test": [0, 1], "n_candidates": [1, 2]})
    given = SearchDisplay(table, "a", None).plot()
    assert given.ax_.get_title() == "each cell: best of its candidates"
    counted = SearchDisplay(table, "a", None, over=list("bcde")).plot()
    assert counted.ax_.get_title() == "each cell: best over 4 other parameters"


@pytest.mark.parametrize("cmap", ["cividis", "gray_r"])
def test_numbers_stand_out_from_their_cells(cmap):
    display = SearchDisplay(SEARCH, "a", "b").plot(cmap=cmap)
    image = display.ax_.images[0]
    for text in display.ax_.texts:
        behind = np.mean(image.cmap(image.norm(float(text.get_text())))[:3])
        assert abs(np.mean(mpl.colors.to_rgb(text.get_color())) - behind) > 0.4


# -- tiles -------------------------------------------------------------------------


def labels_of(axis):
    return [each.get_text() for each in axis.get_ticklabels()]


def captions_of(display):
    return [each.get_text() for each in display.ax_.texts]


def test_of_many_filters_the_first_are_shown():
    kernels = np.random.default_rng(0).normal(size=(3, 3, 32, 40))
    display = KernelsDisplay(kernels).plot()
    assert display.ax_.get_xlabel() == "8 of 40 filters"
    assert display.ax_.get_ylabel() == "8 of 32 channels"
    assert labels_of(display.ax_.xaxis) == labels_of(display.ax_.yaxis)
    display.plot(filters=[-1, 3], channels=1)
    assert labels_of(display.ax_.xaxis) == ["39", "3"]
    assert labels_of(display.ax_.yaxis) == ["0"]
    first = np.asarray(display.ax_.images[0].get_array())[3:27:8, 0:24:8]
    np.testing.assert_array_equal(first, kernels[:, :, 0, -1])
    display = KernelsDisplay(kernels[:, :, :1]).plot()
    assert display.ax_.get_xlabel() == "32 of 40 filters"
    assert captions_of(display) == [str(each) for each in range(32)]
    assert display.plot(filters=100).ax_.get_xlabel() == "40 filters"
    for one in (1, [0]):
        assert len(captions_of(display.plot(channels=one))) == 32
    images = kernels.transpose(3, 0, 1, 2)[..., :1]
    display = ActivationMaximizationDisplay(images).plot()
    assert display.ax_.get_xlabel() == "32 of 40 filters"
    assert captions_of(display.plot(filters=[5])) == ["5"]
    maps = FeatureMapsDisplay(kernels.transpose(2, 0, 1, 3)).plot(images=[31, 0])
    assert maps.ax_.get_xlabel() == "8 of 40 filters"
    assert maps.ax_.get_ylabel() == "2 of 32 images"
    assert labels_of(maps.ax_.yaxis) == ["31", "0"]
    assert len(captions_of(maps.plot(images=1))) == 32


def test_kernels_of_colours_are_tiles_in_colours():
    kernels = np.random.default_rng(0).normal(size=(5, 5, 3, 6))
    display = KernelsDisplay(kernels, is_colour=True).plot()
    assert display.colorbar_ is None
    tiles = np.asarray(display.ax_.images[0].get_array())
    assert tiles.shape[-1] == 4
    assert captions_of(display) == [str(each) for each in range(6)]
    with pytest.raises(
        ValueError, match=r"'channels' .* left out for tiles in colours"
    ):
        display.plot(channels=[0])
    zeros = KernelsDisplay(np.zeros((5, 5, 3, 1)), is_colour=True).plot()
    there = np.asarray(zeros.ax_.images[0].get_array())
    assert (there[there[..., 3] == 1][:, :3] == 0.5).all()  # mid grey is 0
    with pytest.raises(ValueError, match=r"'is_colour'.*not of 3 channels"):
        KernelsDisplay(kernels[:, :, :2], is_colour=True)


def gallery(n, names=range(10), shape=(28, 28, 1)):
    names = np.array(names)[np.arange(n) % 2]
    images = np.random.default_rng(0).random((n, *shape))
    share, index = np.linspace(1, 0.5, n), np.arange(n)
    return MistakesDisplay(images, names, names[::-1], share, index, 99).plot()


def tile_size(display):
    """Return the pixels of a tile's side, as far as the figure is drawn."""
    display.figure_.canvas.draw()
    image = display.ax_.images[0]
    drawn = image.get_window_extent()
    _, width = image.get_array().shape[:2]
    return 28 * drawn.width / width


def test_mistakes_are_of_one_size():
    sizes = [tile_size(gallery(n)) for n in (1, 4, 7, 20)]
    sizes.append(tile_size(gallery(3, ["a very long name of a class", "short"])))
    assert max(sizes) - min(sizes) < 0.02 * max(sizes)
    assert min(sizes) > 100


def test_captions_of_mistakes_cover_nothing():
    display = gallery(20, ["wwwwwwwwwwwwwwww", "iiiiiiiii"])
    display.figure_.canvas.draw()
    boxes = [text.get_window_extent() for text in display.ax_.texts]
    boxes.append(display.ax_.title.get_window_extent())
    for place, box in enumerate(boxes):
        # Letters as wide as w are cut later than they should be: a hair is allowed.
        assert not any(box.overlaps(each) for each in boxes[place + 5 :])
    inside = display.figure_.bbox
    assert all(box.y1 <= inside.y1 and box.x0 >= inside.x0 - 12 for box in boxes)


@pytest.mark.parametrize("theme", ["default", "dark_background"])
def test_outlines_of_kernels_show_on_any_paper(theme):
    with style.context(theme):
        display = KernelsDisplay(np.zeros((3, 3, 1, 4))).plot()
        display.figure_.canvas.draw()
    pixels = np.asarray(display.figure_.canvas.buffer_rgba())[..., :3]
    (outlines,) = display.ax_.collections
    assert len(outlines.get_paths()) == 4
    grey = np.abs(pixels.astype(int) - 128).max(axis=-1) < 40
    assert grey.sum() > 100


# -- tables ------------------------------------------------------------------------


def drawn_in(display):
    """Return the distinct numbers of a mosaic."""
    values = display.ax_.images[0].get_array()
    return np.unique(np.ma.masked_invalid(values).compressed())


def on_own_scale(values):
    return (values - values.min()) / (values.max() - values.min())


def test_tables_hold_the_numbers_that_are_drawn():
    rng = np.random.default_rng(0)
    array = rng.random((3, 3, 4, 5))
    kernels = KernelsDisplay(array)
    frame = kernels.frame()
    assert len(frame) == array.size
    for _, row in frame.sample(9, random_state=0).iterrows():
        at = tuple(int(row[each]) for each in ("row", "column", "channel", "filter"))
        assert row["weight"] == array[at]
    np.testing.assert_array_equal(drawn_in(kernels.plot()), np.sort(frame["weight"]))

    maps = FeatureMapsDisplay(array)
    frame = maps.frame()
    at = [frame[each] for each in ("image", "row", "column", "filter")]
    np.testing.assert_array_equal(frame["activation"], array[tuple(at)])
    scaled = frame.groupby("image")["activation"].transform(on_own_scale)
    np.testing.assert_allclose(drawn_in(maps.plot()), np.unique(scaled))

    images = ActivationMaximizationDisplay(array[..., :1])
    frame = images.frame()
    at = [frame[each] for each in ("filter", "row", "column", "channel")]
    np.testing.assert_array_equal(frame["value"], array[tuple(at)])
    scaled = frame.groupby("filter")["value"].transform(on_own_scale)
    np.testing.assert_allclose(drawn_in(images.plot()), np.unique(scaled))

    curves = HistoryDisplay({"a": CURVE}).plot()
    lines = [line.get_ydata() for ax in curves.ax_ for line in ax.get_lines()]
    assert sorted(curves.frame()["value"]) == sorted(np.concatenate(lines))

    search = SearchDisplay(SEARCH, "a", "b").plot()
    cells = np.asarray(search.ax_.images[0].get_array())
    assert sorted(search.frame()["mean_test"]) == sorted(cells.ravel())

    brackets = BracketsDisplay.from_search(RUNGS).plot()
    lines = [line.get_ydata() for line in brackets.ax_.get_lines()]
    assert set(brackets.frame()["mean_test"]) <= set(np.concatenate(lines))

    mistakes = gallery(3)
    captions = [
        f"{row['y_true']}, not {row['y_pred']}\n({row['probability']:.2f})"
        for _, row in mistakes.frame().astype(object).iterrows()
    ]
    assert captions_of(mistakes) == captions


def tile_of(display, left, top, shape, zoom):
    """Return the colours of a tile, of which each pixel is drawn as several."""
    (height, width), canvas = shape, display.ax_.images[0].get_array()
    top, left = round(top), round(left)
    tile = canvas[top : top + zoom * height : zoom, left : left + zoom * width : zoom]
    return np.asarray(tile)[..., :3]


def test_projections_and_patches_are_where_their_captions_say():
    rng = np.random.default_rng(0)
    projections, patches = rng.normal(size=(2, 2, 2, 3, 3, 1))  # both of 2 filters
    places = np.zeros((2, 2), int), np.zeros((2, 2, 2), int)
    display = DeconvolutionDisplay(
        projections, patches, np.ones((2, 2)), *places, filters=[7, 4]
    ).plot(n_columns=1)
    between = np.full((3, 1), np.nan)
    for number, text in enumerate(display.ax_.texts):
        of, is_image = divmod(number, 2)
        assert text.get_text() == (
            "images" if is_image else f"filter {[7, 4][of]}: projected"
        )
        x, y = text.get_position()  # two patches and a gap of 1, drawn threefold
        tile = tile_of(display, x - 10, y + 0.5 + 0.75, (3, 7), 3)
        pair = (patches if is_image else projections)[of, ..., 0]
        expected = np.hstack([pair[0], between, pair[1]])
        there = ~np.isnan(expected)
        if is_image:  # ink is dark
            grey = tile[there]
            assert np.ptp(grey, axis=-1).max() == 0
            np.testing.assert_allclose(
                on_own_scale(grey[:, 0]), 1 - on_own_scale(expected[there]), atol=1e-6
            )
        else:
            shades = (expected[there] / np.abs(pair).max() + 1) / 2
            np.testing.assert_allclose(
                tile[there], mpl.colormaps["PuOr_r"](shades)[:, :3]
            )


@pytest.mark.parametrize(
    ("method", "cmap"), [("gradient", "magma"), ("occlusion", "PuOr_r")]
)
def test_images_are_above_what_they_depend_on(method, cmap):
    rng = np.random.default_rng(0)
    images, cells = rng.normal(size=(2, 4, 4, 1)), rng.random((2, 4, 4))
    display = SensitivityDisplay(images, cells, ["a", "b"], method).plot()
    assert labels_of(display.ax_.yaxis) == ["image", method]
    (above, below), columns = display.ax_.get_yticks(), display.ax_.get_xticks()
    for number, x in enumerate(columns):
        image = tile_of(display, x - 11.5, above - 11.5, (4, 4), 6)
        expected = 1 - on_own_scale(images[number])
        np.testing.assert_allclose(image, np.repeat(expected, 3, axis=-1), atol=1e-6)
        shades = cells[number] / cells[number].max()  # gradients have no common unit
        if method == "occlusion":
            shades = (cells[number] / cells.max() + 1) / 2
        found = tile_of(display, x - 11.5, below - 11.5, (4, 4), 6)
        np.testing.assert_allclose(found, mpl.colormaps[cmap](shades)[..., :3])
