"""scikit-learn's own checks of estimators: all of them, for all six."""

import inspect
from unittest import SkipTest

import keras
import pytest
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_estimator,
    estimator_checks_generator,
    parametrize_with_checks,
)

from sknn_mnist import (
    CNNClassifier,
    CNNRegressor,
    DenseClassifier,
    DenseRegressor,
    KerasClassifier,
    KerasRegressor,
)


class Shown:
    """A function that is shown by its name alone: its address differs by process."""

    def __init__(self, function):
        self.function = function
        self.__signature__ = inspect.signature(function)

    def __call__(self, **keywords):
        return self.function(**keywords)

    def __repr__(self):
        return self.function.__name__


def make_classifier(meta, hidden_size=32):
    labels = meta["target_type_"].startswith("multilabel")
    return keras.Sequential(
        [
            keras.layers.Input((meta["n_features_in_"],)),
            keras.layers.Dense(hidden_size, activation="relu"),
            keras.layers.Dense(
                meta["n_classes_"], activation="sigmoid" if labels else "softmax"
            ),
        ]
    )


def make_regressor(meta, hidden_size=32):
    return keras.Sequential(
        [
            keras.layers.Input((meta["n_features_in_"],)),
            keras.layers.Dense(hidden_size, activation="relu"),
            keras.layers.Dense(meta["n_outputs_"]),
        ]
    )


# More epochs for the checks' tiny data, as scikit-learn gives its own MLP.
LONGER = {"epochs": 150, "learning_rate": 0.01}
ESTIMATORS = [
    DenseClassifier(**LONGER),
    DenseRegressor(**LONGER),
    CNNClassifier(**LONGER),
    CNNRegressor(**LONGER),
    KerasClassifier(Shown(make_classifier), **LONGER),
    KerasRegressor(Shown(make_regressor), **LONGER),
]
IDS = [type(estimator).__name__ for estimator in ESTIMATORS]

ROUNDING = dict.fromkeys(
    [
        "check_sample_weight_equivalence_on_dense_data",
        # For those that take sparse X, the same with the same rows.
        "check_sample_weight_equivalence_on_sparse_data",
    ],
    "float32 rounding; passes with dtype='float64', as "
    "test_weights_equal_repetition_in_float64 shows",
)

# What scikit-learn skips by itself: the first runs only where SCIPY_ARRAY_API is
# set and for estimators that declare array API support; the second is for
# estimators with a decision_function, which MLPClassifier lacks as well.
SKIPPED_BY_SKLEARN = {
    "check_array_api_input",
    "check_classifiers_multilabel_output_format_decision_function",
}


def rounding_of(estimator):
    """The checks that rounding fails; scikit-learn 1.6 asks all about sparse rows."""
    sparse = get_tags(estimator).input_tags.sparse
    return {
        name: reason for name, reason in ROUNDING.items() if sparse or "dense" in name
    }


def name_of(check):
    return check.func.__name__


OWN = [
    each for each in ESTIMATORS if isinstance(each, KerasClassifier | KerasRegressor)
]
BUILT_IN = [each for each in ESTIMATORS if each not in OWN]


@pytest.mark.exact
@parametrize_with_checks(BUILT_IN, expected_failed_checks=rounding_of)
def test_check_passes(estimator, check):
    run(check, estimator)


@pytest.mark.slow
@parametrize_with_checks(OWN, expected_failed_checks=rounding_of)
def test_check_passes_for_own_networks(estimator, check):
    run(check, estimator)


def run(check, estimator):
    try:
        check(estimator)
    except SkipTest as skipped:
        assert name_of(check) in SKIPPED_BY_SKLEARN
        pytest.skip(str(skipped))


@pytest.mark.exact
@pytest.mark.slow
def test_checks_pass_with_a_memory(tmp_path):
    # Its fits share their epochs, where the seed is an int; nobody must notice.
    net = DenseClassifier(memory=tmp_path, **LONGER)
    results = check_estimator(net, expected_failed_checks=ROUNDING, on_fail=None)
    assert not [each for each in results if each["status"] == "failed"]
    assert sum(each["status"] == "passed" for each in results) >= 60


@pytest.mark.exact
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=IDS)
def test_weights_equal_repetition_in_float64(estimator):
    estimator = clone(estimator).set_params(dtype="float64")
    checks = [
        check
        for _, check in estimator_checks_generator(estimator)
        if name_of(check) in rounding_of(estimator)
    ]
    assert len(checks) == 1 + get_tags(estimator).input_tags.sparse
    for check in checks:
        check(estimator)


@pytest.mark.exact
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=IDS)
def test_no_check_has_vanished(estimator):
    names = [name_of(check) for _, check in estimator_checks_generator(estimator)]
    expected = set(names) - SKIPPED_BY_SKLEARN - set(ROUNDING)
    is_classifier = type(estimator).__name__.endswith("Classifier")
    # scikit-learn 1.6.1 has two or three checks fewer than 1.9.1.
    assert len(expected) >= (60 if is_classifier else 53)


@pytest.mark.exact
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=IDS)
def test_no_tag_hides_a_check(estimator):
    tags = get_tags(estimator)
    assert not tags.non_deterministic
    assert not tags.no_validation
    assert not tags._skip_test
    assert tags.input_tags.two_d_array
    assert tags.requires_fit
    assert tags.target_tags.required
    if tags.estimator_type == "classifier":
        assert not tags.classifier_tags.poor_score
        assert tags.classifier_tags.multi_class
        assert tags.classifier_tags.multi_label
    else:
        assert not tags.regressor_tags.poor_score
        assert tags.target_tags.multi_output


@pytest.mark.exact
@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "least"),
    [
        (DenseClassifier(**LONGER), 61),
        (KerasClassifier(make_classifier, **LONGER), 61),
        (KerasRegressor(make_regressor, **LONGER), 54),
    ],
    ids=lambda each: type(each).__name__,
)
def test_check_estimator_itself_passes(estimator, least):
    estimator = clone(estimator).set_params(dtype="float64")
    results = check_estimator(estimator, on_skip=None, on_fail=None)
    failed = [each["check_name"] for each in results if each["status"] == "failed"]
    assert failed == []
    assert sum(each["status"] == "passed" for each in results) >= least
