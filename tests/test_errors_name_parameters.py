"""Each parameter of a public callable refuses what it can't take, by its name.

Walks the displays, inspection, datasets, reporting, model selection and builders by
their signatures: a parameter that is added is tested, or listed here with the reason
why it isn't.
"""

import inspect

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV

from sknn_mnist import (
    CNNClassifier,
    builders,
    datasets,
    display,
    inspection,
    model_selection,
    reporting,
)
from sknn_mnist.model_selection._sklearn_search import BaseSearchCV

WINGS = (display, inspection, datasets, reporting, model_selection, builders)

# What `**options` of these are: the keywords of the functions that they are handed to.
OPTIONS = {
    "ActivationMaximizationDisplay.from_estimator": [inspection.maximize_activation],
    "DeconvolutionDisplay.from_estimator": [inspection.deconvolution],
    "SensitivityDisplay.from_estimator": [inspection.occlusion],
    "load_dataset": [datasets.load_mnist],
    # The `fit` of any estimator, which says itself what it does not take.
    "refit_best": [],
}

TAKES_ANYTHING = {
    ("images_of", "net"): "is not asked: rows alone say what image they are",
}

BAD = [5, -1, True, 1.5, np.nan, np.inf, "foo", b"foo", [], [[]], {}, {"foo": 5}, len]


def public_callables():
    """Return {what a user writes: the callable, or the class and its method's name}.

    But for a RowView's methods, which are an array's, with NumPy's own errors; and for
    searches, which check when they fit: tests/model_selection/test_hyperband.py.
    """
    found = {}
    for wing in WINGS:
        for name in wing.__all__:
            thing = getattr(wing, name)
            if inspect.isclass(thing) and issubclass(thing, BaseSearchCV):
                continue
            found[name] = thing
            if inspect.isclass(thing) and thing is not datasets.RowView:
                methods = [each for each in vars(thing) if not each.startswith("_")]
                found |= {f"{name}.{each}": getattr(thing, each) for each in methods}
    return found


CALLABLES = public_callables()


def parameters():
    """Return (owner, parameter) of everything that a user may give."""
    found = []
    for owner, thing in CALLABLES.items():
        for name, parameter in inspect.signature(thing).parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                found += [
                    (owner, option.name)
                    for function in OPTIONS[owner]
                    for option in inspect.signature(function).parameters.values()
                    if option.kind is option.KEYWORD_ONLY
                    and option.name not in inspect.signature(thing).parameters
                ]
            elif name != "self":
                found.append((owner, name))
    return found


@pytest.fixture(scope="module")
def good(digits, tmp_path_factory):
    """Return the arguments that each callable needs, all good."""
    X, _, y, _ = digits
    X, y = X[:40].reshape(-1, 8, 8), y[:40]
    clf = CNNClassifier(filters=2, kernel_size=3, hidden_size=2, epochs=1)
    clf.fit(X, y)
    file = tmp_path_factory.mktemp("mnist") / "mnist.npz"
    images, labels = np.zeros((10, 28, 28), np.uint8), np.arange(10, dtype=np.uint8)
    np.savez(file, x_train=images, y_train=labels, x_test=images, y_test=labels)
    results = {
        "params": [{"a": 1, "b": 1}, {"a": 2, "b": 2}],
        "param_a": [1, 2],
        "param_b": [1, 2],
        "mean_test_score": [0.5, 0.7],
    }
    rungs = {"iter": [0, 0], "n_resources": [1, 1]}
    net, two = {"estimator": clf}, np.arange(2)
    images = {"estimator": clf, "X": X[:2]}
    about = {
        "KernelsDisplay": {"kernels": np.ones((3, 3, 1, 2))},
        "KernelsDisplay.from_estimator": net,
        "FeatureMapsDisplay": {"maps": np.ones((2, 3, 3, 2))},
        "FeatureMapsDisplay.from_estimator": images,
        "ActivationMaximizationDisplay": {"images": np.ones((2, 3, 3, 1))},
        "ActivationMaximizationDisplay.from_estimator": {**net, "n_steps": 1},
        "DeconvolutionDisplay": {
            "projections": np.ones((2, 4, 3, 3, 1)),
            "patches": np.ones((2, 4, 3, 3, 1)),
            "activations": np.ones((2, 4)),
            "images": np.ones((2, 4), int),
            "corners": np.ones((2, 4, 2), int),
            "filters": two,
        },
        "DeconvolutionDisplay.from_estimator": {**images, "n_patches": 2},
        "BracketsDisplay": {
            "results": pd.DataFrame(
                {"bracket": 0, "candidate": two, "epochs": 1, "mean_test": [0.5, 0.7]}
            ),
        },
        "BracketsDisplay.from_search": {"search": {**results, **rungs}},
        "HistoryDisplay": {"histories": {"net": {"loss": [2.0, 1.0]}}},
        "HistoryDisplay.from_estimator": net,
        "HistoryDisplay.from_history": {"history": {"loss": [2.0, 1.0]}},
        "MistakesDisplay": {
            "images": np.ones((2, 3, 3, 1)),
            "y_true": two,
            "y_pred": two,
            "probability": two / 2,
            "index": two,
            "n_samples": 9,
        },
        "MistakesDisplay.from_estimator": {**images, "y": y[:2]},
        "SearchDisplay": {
            "results": pd.DataFrame({"a": [1, 2], "b": two, "mean_test": [0.5, 0.7]}),
            "x": "a",
            "hue": "b",
        },
        "SearchDisplay.from_search": {"search": results},
        "SensitivityDisplay": {
            "images": np.ones((2, 3, 3, 1)),
            "sensitivity": np.ones((2, 3, 3)),
            "labels": ["0", "1"],
        },
        "SensitivityDisplay.from_estimator": images,
        "convolution_kernels": net,
        "deconvolution": {**images, "n_patches": 2},
        "strongest_patches": {**images, "n_patches": 2},
        "feature_maps": images,
        "gradient_saliency": images,
        "images_of": {"net": clf, "x": X.reshape(-1, 64)},
        "looked_at": images,
        "maximize_activation": {**net, "n_steps": 1},
        "occlusion": images,
        "find_mnist": {"path": file},
        "load_dataset": {"name": "mnist", "path": file},
        "load_images": {"path": file},
        "RowView": {"source": X},
        "load_mnist": {"path": file},
        "cv_results_frame": {"search": results},
        "pivot_cv_results": {"search": results},
        "best_epoch_scoring": {},
        "Range": {"low": 1, "high": 10},
        "refit_best": {"search": searched(clf, X, y), "X": X, "y": y},
    }
    return about


def searched(clf, X, y):
    scoring = model_selection.best_epoch_scoring()
    search = GridSearchCV(clf, {"epochs": [1]}, scoring=scoring, refit=False, cv=2)
    return search.fit(X, y)


def call(good, owner, **changed):
    """Call with good arguments but for those that are changed; methods on a display."""
    thing, (wanted, _, method) = CALLABLES[owner], owner.partition(".")
    if method in ("plot", "frame", "rvs"):
        thing = getattr(CALLABLES[wanted](**good[wanted]), method)
    return thing(**{**good.get(owner, {}), **changed})


@pytest.fixture(autouse=True)
def no_screen():
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    plt.close("all")  # what the tests of other files left open
    yield
    plt.close("all")


@pytest.mark.parametrize("owner", CALLABLES)
def test_the_good_arguments_are_good(good, owner):
    call(good, owner)


@pytest.mark.parametrize(("owner", "name"), parameters())
def test_a_bad_value_is_refused_by_name(good, owner, name):
    import matplotlib.pyplot as plt

    if (owner, name) in TAKES_ANYTHING:
        call(good, owner, **{name: object()})
        return
    with pytest.raises((ValueError, TypeError)) as caught:
        call(good, owner, **{name: object()})
    assert f"The {name!r} parameter of {owner} must " in str(caught.value)
    assert "Got <object object at" in str(caught.value)
    assert plt.get_fignums() == []  # nothing was begun


def refusal(good, owner, name, value):
    """Return what an error says, "" where the value is taken."""
    try:
        call(good, owner, **{name: value})
    except (ValueError, TypeError, FileNotFoundError) as err:
        return f"{type(err).__name__}: {err}"
    return ""


@pytest.mark.parametrize(("owner", "name"), parameters())
def test_any_value_is_taken_or_refused_by_name(good, owner, name):
    starts = [f"InvalidParameterError: The {name!r} parameter of {owner} must "]
    if name in ("path", "test_data"):
        starts.append("FileNotFoundError: MNIST was not found. Looked at path=foo.")
        starts.append("FileNotFoundError: load_images found nothing at 'foo'.")
    for bad in BAD:
        said = refusal(good, owner, name, bad)
        # Of what is a batch, though none of images, scikit-learn says what is wrong.
        is_batch = name == "X" and bad in ([], [[]])
        assert not said or said.startswith(tuple(starts)) or is_batch, (bad, said)


@pytest.mark.parametrize(
    ("owner", "name", "value"),
    [
        ("maximize_activation", "value_range", (0, np.inf)),
        ("maximize_activation", "value_range", (-np.inf, 0.0)),
        ("maximize_activation", "value_range", (np.nan, 1)),
        ("maximize_activation", "value_range", ("0", "1")),
        ("maximize_activation", "whole", 1),
        ("maximize_activation", "random_state", -1),
        ("load_digits28", "random_state", 2**32),
        ("load_digits28", "test_size", 1.0),
        ("load_digits28", "test_size", 0.001),
        ("load_digits28", "test_size", 5),
        ("load_dataset", "download", "yes"),
        ("load_images", "target", "label"),
        ("load_images", "image_shape", (28, 28, 2)),
        ("load_images", "test_size", 0.2),
        ("load_images", "as_paths", True),
        ("find_mnist", "path", b"mnist.npz"),
        ("build_dense", "dtype", "int32"),
        ("build_cnn", "dtype", "flaot32"),
        ("build_cnn", "seed", 1.0),
        ("build_dense", "output_activation", "sofmax"),
        ("gradient_saliency", "target", [[1], [2, 3]]),
        ("gradient_saliency", "target", [{}, {}]),
        ("occlusion", "target", [[1, 2]]),
        ("looked_at", "target", "nine"),
        ("SensitivityDisplay.from_estimator", "target", "nine"),
        ("SensitivityDisplay.from_estimator", "target", [1]),
        ("feature_maps", "X", None),
        ("best_epoch_scoring", "scoring", "accuracyy"),
        ("best_epoch_scoring", "scoring", ["accuracy", "accuracy"]),
        ("best_epoch_scoring", "scoring", {"best_epoch": "accuracy"}),
        ("best_epoch_scoring", "scoring", {"accuracy": "f2"}),
        ("refit_best", "y", [0, 1]),
        ("refit_best", "refit_epochs", 0),
        ("refit_best", "refit_epochs", 2.5),
        ("refit_best", "refit_epochs", "max"),
        ("pivot_cv_results", "index", 5),
        ("pivot_cv_results", "columns", ["a", "a"]),
        ("pivot_cv_results", "values", []),
        ("pivot_cv_results", "search", {}),
        ("pivot_cv_results", "search", {"mean_test_score": [1], "param_a": [1, 2]}),
        ("cv_results_frame", "search", {"mean_test_score": 0.5}),
        ("SearchDisplay.from_search", "search", pd.DataFrame({"param_a": [1]})),
        ("SearchDisplay.from_search", "metric", "f1"),
        ("BracketsDisplay", "results", pd.DataFrame({"mean_test": [1.0]})),
        ("BracketsDisplay", "best", 2),
        ("BracketsDisplay", "resource", "bracket"),
        ("BracketsDisplay.from_search", "search", {"mean_test_score": [1]}),
        ("BracketsDisplay.from_search", "metric", "f1"),
        ("BracketsDisplay.plot", "best_kw", {"foo": 1}),
        ("SearchDisplay", "best", 2),
        ("SearchDisplay", "x_order", [1]),
        ("SearchDisplay", "hue", "mean_test"),
        ("SearchDisplay.plot", "train", 1),
        ("SearchDisplay.plot", "line_kw", {"foo": 1}),
        ("SearchDisplay.plot", "line_kw", {"lw": 1, "linewidth": 2}),
        ("SearchDisplay.plot", "cmap", "viridiss"),
        ("HistoryDisplay", "histories", {"net": {"loss": ["much"]}}),
        ("HistoryDisplay", "histories", {"net": {"loss": 1.0}}),
        ("HistoryDisplay.from_history", "history", {"loss": 5}),
        ("HistoryDisplay.plot", "metrics", []),
        ("HistoryDisplay.plot", "metrics", 5),
        ("HistoryDisplay.plot", "line_kw", {"color": "no colour"}),
        ("HistoryDisplay.plot", "line_kw", {5: 1}),
        ("KernelsDisplay", "kernels", np.ones((3, 3, 1, 0))),
        ("FeatureMapsDisplay", "maps", np.ones((3, 3, 1))),
        ("MistakesDisplay", "probability", np.ones(3)),
        ("MistakesDisplay", "n_samples", 1),
        ("SensitivityDisplay", "sensitivity", np.ones((2, 3, 4))),
        ("SensitivityDisplay", "labels", ["one"]),
        ("SensitivityDisplay", "method", "foo"),
        ("SensitivityDisplay.from_estimator", "n_copies", 5),
        ("gradient_saliency", "noise", -0.1),
        ("strongest_patches", "n_patches", 3),
        ("deconvolution", "filters", [2]),
        ("deconvolution", "filters", [1, 1]),
        ("KernelsDisplay", "kernels", np.full((3, 3, 1, 2), np.nan)),
        ("KernelsDisplay.plot", "filters", [1, -1]),
        ("DeconvolutionDisplay.plot", "filters", [1, 1]),
        ("DeconvolutionDisplay", "filters", [1, 1]),
        ("DeconvolutionDisplay", "images", np.ones((2, 4)) / 2),
        ("DeconvolutionDisplay", "patches", np.ones((2, 4, 3, 3, 3))),
        ("DeconvolutionDisplay", "corners", np.ones((2, 4))),
    ],
)
def test_these_are_refused(good, owner, name, value):
    start = f"InvalidParameterError: The {name!r} parameter of {owner} must "
    assert refusal(good, owner, name, value).startswith(start)


def test_options_of_lines_are_taken_by_their_short_names_as_well(good):
    options = {"c": "red", "ls": ":", "lw": 3, "scalex": False}
    for owner in ("HistoryDisplay.plot", "SearchDisplay.plot"):
        kind = {"kind": "lines"} if owner.startswith("Search") else {}
        display = call(good, owner, line_kw=options, **kind)
        line = display.ax_.get_lines()[0]
        assert (line.get_color(), line.get_linestyle()) == ("red", ":")


def test_an_option_of_another_method_is_refused(good):
    owner = "SensitivityDisplay.from_estimator"
    with pytest.raises(ValueError, match=f"'fill' parameter of {owner} must be left"):
        call(good, owner, method="gradient", fill=1.0)


@pytest.mark.parametrize("owner", [each for each in OPTIONS if OPTIONS[each]])
def test_an_unknown_option_is_refused_by_whom_it_was_given_to(good, owner):
    with pytest.raises(TypeError, match=f"{owner}.* got an unexpected .*'foo'"):
        call(good, owner, foo=1)


def test_the_list_of_what_takes_anything_is_not_longer_than_it_must_be():
    assert set(TAKES_ANYTHING) <= set(parameters())
