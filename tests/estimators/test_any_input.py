"""Whatever comes in: a net that agrees with its twin's, or one clear sentence.

`pytest tests/test_any_input.py --hypothesis-profile=thorough` tries ten thousand cases.
"""

import warnings

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.validation import check_is_fitted

from sknn_mnist import (
    CNNClassifier,
    CNNRegressor,
    DenseClassifier,
    DenseRegressor,
    KerasClassifier,
    KerasRegressor,
)

# -- data -----------------------------------------------------------------------------

DTYPES = [
    *("float32", "float64", "float16", "int64", "int8", "uint8", "bool"),
    *("object", "complex64", "str", ">f4", "longdouble"),
]


def strided(X):
    whole = np.zeros((2 * len(X), *X.shape[1:]), dtype=X.dtype)
    whole[::2] = X
    return whole[::2]


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


# The same values in other places of memory, or in other hands.
LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "strided": strided,
    "reversed": lambda X: X[::-1].copy()[::-1],
    "transposed": lambda X: X.T.copy().T,
    "read-only": read_only,
    "broadcast": lambda X: np.broadcast_to(X[:1], X.shape),
    "list": lambda X: X.tolist(),
    "frame": lambda X: pd.DataFrame(X) if X.ndim == 2 else X,
    "sparse": lambda X: sparse.csr_matrix(X) if X.ndim == 2 else X,
    "matrix": lambda X: np.asmatrix(X) if X.ndim == 2 else X,
    "masked": np.ma.masked_array,
    "series of rows": lambda X: pd.Series(list(X)),
}
SHAPES = [(4,), (9,), (12,), (3, 3), (2, 2, 3), (4, 1), (1,), (), (2, 2, 1, 1), (0,)]
ODD = [np.nan, np.inf, -np.inf, 1e300, 1e38, -3e38, 1e-300, 1e-45, 255.0, -1.0, 0.0]
LABELS = [
    *([0, 1], [0, 1, 2], [-3, 7], [0.0, 1.0], [0.5, 1.5], ["a", "b"], ["a", "bé", "c"]),
    *([True, False], [b"a", b"b"], [0], ["a", 1], [None, "a"], [1e300, 0.0]),
    *([np.nan, 1.0], [2**40, 5], ["", " "], [1 + 2j, 0j]),
]


def mostly(draw, good, others, one_in=12):
    """Draw a good value, or once in a while another."""
    odd = draw(st.integers(1, one_in)) == one_in
    return draw(st.sampled_from(others if odd else good))


@st.composite
def samples(draw):
    """An array, and how many samples it holds."""
    n = mostly(draw, [6, 9], [1, 2, 0])
    shape = (n, *mostly(draw, SHAPES[:5], SHAPES))
    seed = draw(st.integers(0, 2**16))
    values = np.random.default_rng(seed).uniform(0, 1, shape)
    values = values * mostly(draw, [1.0, 255.0, 1e-20, 0.0, -1.0], [1e6, 1e20, 1e36])
    if values.size and draw(st.integers(0, 9)) == 9:
        values.flat[draw(st.integers(0, values.size - 1))] = draw(st.sampled_from(ODD))
    dtype = mostly(draw, DTYPES[:7], DTYPES, 6)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return values.astype(dtype), n


@st.composite
def targets(draw, n, classes):
    own, others = ["labels", "labels", "matrix"], ["numbers", "columns"]
    if not classes:
        own, others = others, own
    kind = mostly(draw, own, [*others, "odd"])
    n = max(n + mostly(draw, [0], [1, -1], 20), 0)
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    if kind == "labels":
        labels = mostly(draw, LABELS[:7], LABELS)
        dtype = object if len({type(each) for each in labels}) > 1 else None
        y = np.empty(n, dtype=np.array(labels, dtype=dtype).dtype)
        for place in range(n):
            y[place] = labels[place % len(labels)]
    elif kind == "matrix":
        y = rng.integers(0, 2, (n, draw(st.integers(2, 3))))
    elif kind == "columns":
        y = rng.normal(size=(n, draw(st.integers(1, 2))))
    elif kind == "numbers":
        y = rng.normal(size=n) * mostly(draw, [1.0, 1e-30], [1e30, 1e300])
    else:
        y = np.full((n, *draw(st.sampled_from([(), (1,), (2, 2)]))), np.nan)
    return draw(st.sampled_from([np.asarray, list, read_only, strided]))(y)


GOOD_WEIGHTS = [lambda n: None, np.ones, lambda n: np.arange(n) / 3]
WEIGHTS = [
    np.zeros,
    lambda n: np.arange(n) - 1.0,
    lambda n: np.full(n, np.nan),
    lambda n: np.ones(n + 1),
    lambda n: "balanced",
    lambda n: np.full(n, 1e300),
    lambda n: np.ones((n, 1)),
    lambda n: 2.0,
]

# Good values, which are drawn most often, and bad ones.
PARAMETERS = {
    "hidden_size": (
        [3, (), (2, 2), [3]],
        [0, -1, 2.5, "3", None, (3, 0), 10**30, True],
    ),
    "epochs": ([1, np.int64(1)], [0, -1, 1.5, "1", None, True]),
    "batch_size": ([128, 4, 1], [0, 2.5, None, 10**25]),
    "learning_rate": ([None, 0.01, 1e-30], [0, -1, np.nan, np.inf, "0.1", 1e39, 1e300]),
    "dropout": ([0.0, 0.5, 0], [1, -0.1, np.nan, "0.5", None]),
    "batch_norm": ([False, True, np.True_], ["yes", None, 2]),
    "activation": (["relu", "tanh"], ["rleu", 7, None, {"class_name": "nothing"}]),
    "optimizer": (["adam", "sgd"], ["adamm", 7, None, {}, {"class_name": "Nothing"}]),
    "loss": (["auto"], ["msee", 7, None, "hinge", "binary_crossentropy"]),
    "metrics": ([None, [], "accuracy"], ["acuracy", 7, [None], {"a": 1}]),
    "validation_split": ([0.0, 0.2], [1.0, -0.1, 0.99, np.nan, "0.2", None]),
    "shuffle": ([True, False], [None, "no"]),
    "class_weight": ([None, "balanced"], [{0: -1.0}, {"z": 1.0}, "even", {0: np.inf}]),
    "random_state": ([0, 2**32 - 1], [-1, "0", 2**32, 1.5]),
    "dtype": (["float32", "float64"], ["float16", None, np.float32]),
    "verbose": ([0], [3, "1", None, -1]),
    "memory": ([None, ":memory:"], [7, ("a",)]),
}


def own_network(meta, hidden_size, **output):
    return keras.Sequential(
        [
            keras.layers.Input(meta["X_shape_"][1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(hidden_size, activation="relu"),
            keras.layers.Dense(**output),
        ]
    )


class OwnClassifier(KerasClassifier):
    def _keras_build_fn(self, meta, hidden_size=3):
        labels = meta["target_type_"] == "multilabel-indicator"
        activation = "sigmoid" if labels else "softmax"
        return own_network(
            meta, hidden_size, units=meta["n_classes_"], activation=activation
        )


class OwnRegressor(KerasRegressor):
    def _keras_build_fn(self, meta, hidden_size=3):
        return own_network(meta, hidden_size, units=meta["n_outputs_"])


ESTIMATORS = [
    DenseClassifier,
    DenseClassifier,
    DenseRegressor,
    CNNClassifier,
    CNNRegressor,
    OwnClassifier,
    OwnRegressor,
]


@st.composite
def estimators(draw):
    kind = draw(st.sampled_from(ESTIMATORS))
    given = {"epochs": 1, "hidden_size": 3, "random_state": 0}
    if "filters" in kind().get_params():
        given["filters"] = mostly(draw, [2, (2, 2)], [0, None, (), 1.5], 20)
    known = [name for name in PARAMETERS if name in kind().get_params()]
    for name in draw(st.lists(st.sampled_from(known), max_size=2, unique=True)):
        given[name] = mostly(draw, *PARAMETERS[name])
    return kind, given


# -- what is promised -----------------------------------------------------------------


def check_clear(err):
    """Check that an error is one of ours or scikit-learn's, in plain words."""
    text = str(err)
    assert isinstance(err, ValueError | TypeError), repr(err)
    assert not type(err).__module__.startswith(("tensorflow", "keras", "absl")), err
    assert text.strip(), repr(err)
    assert "Traceback" not in text
    assert "tensorflow/" not in text
    assert "Graph execution error" not in text
    assert "Exception encountered when calling" not in text
    # scikit-learn shows complex data below the sentence that refuses it.
    assert len(text.splitlines()[0]) < 600, text


def outcome(kind, given, X, y, weight, X_test):
    """Return predictions, or the error."""
    net = kind(**given)
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            net.fit(X, y, sample_weight=weight)
        except (ValueError, TypeError) as err:
            with pytest.raises(NotFittedError):
                check_is_fitted(net)
            return err
        predicted = net.predict(X_test)
    for array in net.model_.get_weights():
        assert np.isfinite(array).all()
    if not np.isfinite(net.history_["loss"][-1]):
        assert any(each.category is ConvergenceWarning for each in caught)
    return predicted


CASES = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@CASES
@given(data=st.data())
def test_any_fit_works_like_its_twin_or_says_why(data):
    X, n = data.draw(samples())
    kind, parameters = data.draw(estimators())
    y = data.draw(targets(n, kind.__name__.endswith("Classifier")))
    weight = mostly(data.draw, GOOD_WEIGHTS, WEIGHTS)(n)
    layout = data.draw(st.sampled_from(list(LAYOUTS)))
    try:
        other = LAYOUTS[layout](X)
    except (ValueError, TypeError, IndexError, NotImplementedError):
        other = X  # this cannot be laid out so
    # A list of pixels in 8 bits is one of numbers, whose scale is their holder's.
    whole = other if layout in ("broadcast", "list") else X
    plain = np.array(whole, order="C", copy=True)
    found = outcome(kind, parameters, other, y, weight, other)
    if isinstance(found, Exception):
        event(f"refused: {type(found).__name__}")
        check_clear(found)
        return
    event("worked")
    twin = outcome(kind, parameters, plain, np.array(y, copy=True), weight, plain)
    assert not isinstance(twin, Exception), twin
    np.testing.assert_array_equal(found, twin)
    assert len(found) == n
    if found.dtype.kind in "fc":
        assert np.isfinite(found).all()


@pytest.fixture(scope="module")
def fitted():
    X = np.random.default_rng(0).uniform(size=(30, 9)).astype(np.float32)
    y = np.arange(30) % 3
    return {
        kind: kind(epochs=1, hidden_size=3, random_state=0, **more).fit(X, y)
        for kind, more in (
            (DenseClassifier, {}),
            (DenseRegressor, {}),
            (CNNClassifier, {"filters": 2}),
            (CNNRegressor, {"filters": 2}),
        )
    }


@CASES
@given(data=st.data())
def test_any_prediction_agrees_with_its_twin_or_says_why(fitted, data):
    X, _ = data.draw(samples())
    net = fitted[data.draw(st.sampled_from(list(fitted)))]
    layout = data.draw(st.sampled_from(list(LAYOUTS)))
    try:
        other = LAYOUTS[layout](X)
    except (ValueError, TypeError, IndexError, NotImplementedError):
        other = X
    # A list of pixels in 8 bits is one of numbers, whose scale is their holder's.
    whole = other if layout in ("broadcast", "list") else X
    plain = np.array(whole, order="C", copy=True)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            found = net.predict(other)
        except (ValueError, TypeError) as err:
            event(f"refused: {type(err).__name__}")
            check_clear(err)
            return
        event("worked")
        np.testing.assert_array_equal(found, net.predict(plain))
