"""Parameters of own networks: who gets which, by which name, and who refuses them."""

import functools
import inspect
import pickle
import random
import re

import keras
import numpy as np
import pytest
from scipy.stats import randint
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sknn_mnist import KerasClassifier, KerasRegressor


def without_addresses(value):
    """Name a case alike in each of pytest's workers."""
    return re.sub(r" at 0x\w+", "", str(value))


RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)).astype(np.float32)
LABELS = np.digitize(X[:, 0], [-0.5, 0.5])
NUMBERS = X[:, 0] - X[:, 1]
QUICK = {"epochs": 1, "batch_size": 32, "random_state": 0}


def network(n_inputs, hidden_size, n_outputs, activation, **of_hidden):
    return keras.Sequential(
        [
            keras.layers.Input((n_inputs,)),
            keras.layers.Dense(
                hidden_size, activation="relu", name="hidden", **of_hidden
            ),
            keras.layers.Dense(n_outputs, activation=activation, name="out"),
        ]
    )


def make_plain(hidden_size=3, kernel_regularizer=None, kernel_constraint=None):
    """Build an uncompiled network."""
    return network(
        *(4, hidden_size, 3, "softmax"),
        kernel_regularizer=kernel_regularizer,
        kernel_constraint=kernel_constraint,
    )


def make_compiled(optimizer="sgd", hidden_size=3, learning_rate=0.1):
    """Build a network that is compiled, by parameters that estimators have too."""
    model = network(4, hidden_size, 3, "softmax")
    optimizer = keras.optimizers.get(
        {"class_name": optimizer, "config": {"learning_rate": learning_rate}}
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def make_without_default(hidden_size, activation="softmax"):
    return network(4, hidden_size, 3, activation)


def make_of_anything(**options):
    return network(4, options["hidden_size"], 3, "softmax")


def make_by_meta(meta, hidden_size=3):
    """Build a network for the data at hand."""
    return network(meta["n_features_in_"], hidden_size, meta["n_classes_"], "softmax")


def make_by_compile_kwargs(compile_kwargs, meta):
    model = network(meta["n_features_in_"], 3, meta["n_classes_"], "softmax")
    model.compile(**compile_kwargs)
    return model


def make_regression(hidden_size=3):
    return network(4, hidden_size, 1, None)


def units(net):
    return net.model_.get_layer("hidden").units


def rate(net):
    return float(net.model_.optimizer.learning_rate.numpy())


# -- keywords of the function -----------------------------------------------------


def test_keywords_with_defaults_are_parameters():
    net = KerasClassifier(make_compiled)
    params = net.get_params()
    assert params["hidden_size"] == 3
    assert params["model"] is make_compiled
    assert (
        KerasClassifier(make_compiled, hidden_size=7).get_params()["hidden_size"] == 7
    )


@pytest.mark.parametrize("prefix", ["", "model__"])
def test_a_keyword_is_given_with_or_without_its_prefix(prefix):
    net = KerasClassifier(make_plain, **{f"{prefix}hidden_size": 5}, **QUICK)
    assert net.get_params()["hidden_size"] == 5
    assert units(net.fit(X, LABELS)) == 5
    net.set_params(**{f"{prefix}hidden_size": 6})
    assert net.get_params()["hidden_size"] == 6
    assert units(net.fit(X, LABELS)) == 6


@pytest.mark.parametrize("prefix", ["", "model__"])
def test_a_grid_searches_over_keywords(prefix):
    name = f"{prefix}hidden_size"
    net = KerasClassifier(make_plain, **QUICK)
    grid = GridSearchCV(net, {name: [2, 5]}, cv=2, error_score="raise")
    grid.fit(X, LABELS)
    assert set(grid.best_params_) == {name}
    assert units(grid.best_estimator_) == grid.best_params_[name]
    assert f"param_{name}" in grid.cv_results_


@pytest.mark.slow
def test_a_random_search_draws_keywords_and_training_parameters():
    search = RandomizedSearchCV(
        KerasClassifier(make_plain, **QUICK),
        {"hidden_size": randint(2, 9), "epochs": [1, 2], "optimizer": ["sgd", "adam"]},
        n_iter=3,
        cv=2,
        random_state=0,
        error_score="raise",
    )
    search.fit(X, LABELS)
    assert units(search.best_estimator_) == search.best_params_["hidden_size"]


def test_parameters_reach_through_a_pipeline_and_an_ensemble():
    pipe = Pipeline(
        [("scale", StandardScaler()), ("net", KerasClassifier(make_plain, **QUICK))]
    )
    assert pipe.get_params()["net__hidden_size"] == 3
    pipe.set_params(net__hidden_size=4, net__optimizer__learning_rate=0.25)
    pipe.fit(X, LABELS)
    assert units(pipe["net"]) == 4
    assert rate(pipe["net"]) == 0.25
    grid = {"net__model__hidden_size": [2], "net__optimizer__learning_rate": [0.5]}
    search = GridSearchCV(pipe, grid, cv=2, error_score="raise").fit(X, LABELS)
    assert rate(search.best_estimator_["net"]) == 0.5
    bag = BaggingClassifier(KerasClassifier(make_plain, **QUICK), n_estimators=1)
    bag.set_params(estimator__hidden_size=6).fit(X, LABELS)
    assert units(bag.estimators_[0]) == 6


def test_a_keyword_without_default_must_be_given():
    with pytest.raises((TypeError, ValueError), match="hidden_size"):
        KerasClassifier(make_without_default, **QUICK).fit(X, LABELS)
    net = KerasClassifier(make_without_default, hidden_size=2, **QUICK)
    assert units(clone(net).fit(X, LABELS)) == 2
    grid = GridSearchCV(
        KerasClassifier(make_without_default, **QUICK),
        {"hidden_size": [2, 4]},
        cv=2,
        error_score="raise",
    )
    assert units(grid.fit(X, LABELS).best_estimator_) in (2, 4)


def test_a_function_of_any_keywords_gets_those_that_are_given():
    net = KerasClassifier(make_of_anything, hidden_size=2, **QUICK)
    assert net.get_params()["hidden_size"] == 2
    assert units(net.set_params(hidden_size=4).fit(X, LABELS)) == 4
    assert clone(net).get_params()["hidden_size"] == 4


def test_values_arrive_as_they_are():
    given = object()
    seen = []

    def make(thing=None):
        seen.append(thing)
        return make_plain()

    KerasClassifier(make, thing=given, **QUICK).fit(X, LABELS)
    assert seen
    assert all(each is given for each in seen)


@pytest.mark.parametrize(
    ("values", "parameter"),
    [
        ([None, keras.regularizers.L2(10.0)], "kernel_regularizer"),
        ([None, "l2"], "kernel_regularizer"),
        ([None, keras.constraints.MaxNorm(1e-3)], "kernel_constraint"),
    ],
)
def test_regularizers_and_constraints_are_parameters_like_others(values, parameter):
    losses = []
    for value in values:
        net = KerasClassifier(make_plain, **{parameter: value}, **QUICK)
        net = clone(net).fit(X, LABELS)
        losses.append(net.history_["loss"][0])
        kernel = net.model_.get_layer("hidden").kernel.numpy()
        if isinstance(value, keras.constraints.Constraint):
            assert np.linalg.norm(kernel, axis=0).max() < 2e-3
    if parameter == "kernel_regularizer":
        assert losses[1] > losses[0]  # the penalty is part of the loss
    search = GridSearchCV(
        KerasClassifier(make_plain, **QUICK),
        {parameter: values},
        cv=2,
        error_score="raise",
    )
    search.fit(X, LABELS)


# -- callables of every kind ------------------------------------------------------


class Maker:
    """Builds when it is called, and by a method."""

    def __init__(self, n_outputs):
        self.n_outputs = n_outputs

    def __call__(self, hidden_size=3):
        return network(4, hidden_size, self.n_outputs, "softmax")

    def make(self, hidden_size=3):
        return self(hidden_size)


class Subclassed(keras.Model):
    """A model class is a callable that returns a model."""

    def __init__(self, hidden_size=3, **options):
        super().__init__(**options)
        self.hidden = keras.layers.Dense(hidden_size, activation="relu", name="hidden")
        self.out = keras.layers.Dense(3, activation="softmax")

    def call(self, x):
        return self.out(self.hidden(x))


@pytest.mark.parametrize(
    "model",
    [
        make_plain,
        Maker(3),
        Maker(3).make,
        functools.partial(make_plain, kernel_regularizer="l2"),
        functools.partial(make_without_default, hidden_size=3),
        Subclassed,
    ],
    ids=["function", "callable object", "method", "partial", "required", "class"],
)
def test_callables_of_every_kind_build(model):
    net = KerasClassifier(model, **QUICK)
    assert net.get_params()["hidden_size"] == 3
    net = clone(net.set_params(hidden_size=5)).fit(X, LABELS)
    assert units(net) == 5
    again = pickle.loads(pickle.dumps(net))
    assert again.get_params()["hidden_size"] == 5
    np.testing.assert_array_equal(again.predict_proba(X), net.predict_proba(X))


@pytest.mark.parametrize("model", [None, 3, "make_model", object()])
def test_what_builds_no_network_is_refused(model):
    with pytest.raises((TypeError, ValueError), match="model"):
        KerasClassifier(model, **QUICK).fit(X, LABELS)


def test_a_function_that_returns_no_model_is_refused():
    def forgetful(hidden_size=3):
        make_plain(hidden_size)

    with pytest.raises(TypeError, match=r"forgetful must return a keras\.Model"):
        KerasClassifier(forgetful, **QUICK).fit(X, LABELS)


# -- meta, compile_kwargs, params -------------------------------------------------


@pytest.mark.parametrize(
    ("Estimator", "y", "expected"),
    [
        (
            KerasClassifier,
            LABELS,
            {"n_classes_": 3, "target_type_": "multiclass", "n_outputs_expected_": 1},
        ),
        (
            KerasClassifier,
            np.where(LABELS == 1, "yes", "no"),
            {"n_classes_": 2, "target_type_": "binary", "y_ndim_": 1},
        ),
        (
            KerasClassifier,
            (X[:, :3] > 0).astype(int),
            {"n_classes_": 3, "target_type_": "multilabel-indicator", "y_ndim_": 2},
        ),
        (KerasRegressor, NUMBERS, {"n_outputs_": 1, "target_type_": "continuous"}),
        (
            KerasRegressor,
            X[:, :2] + 0.5,
            {"n_outputs_": 2, "target_type_": "continuous-multioutput"},
        ),
    ],
)
def test_meta_tells_what_the_data_are(Estimator, y, expected):
    seen = {}

    def make(meta, hidden_size=3):
        seen.update(meta)
        labels = meta["target_type_"] == "multilabel-indicator"
        n_units = meta.get("n_classes_", meta["n_outputs_"])
        if Estimator is KerasRegressor:
            activation, n_units = None, meta["n_outputs_"]
        elif labels:
            activation = "sigmoid"
        else:
            activation = "softmax"
        return network(meta["n_features_in_"], hidden_size, n_units, activation)

    net = Estimator(make, **QUICK).fit(X, y)
    assert seen["n_features_in_"] == 4
    assert seen["X_shape_"] == (60, 4)
    assert seen["X_dtype_"] == X.dtype
    assert seen["y_dtype_"] == y.dtype
    assert {name: seen[name] for name in expected} == expected
    if Estimator is KerasClassifier:
        np.testing.assert_array_equal(seen["classes_"], net.classes_)
    for name in ("n_features_in_", "X_shape_", "target_type_", "y_dtype_"):
        assert getattr(net, name) == seen[name]
    assert "meta" not in net.get_params()


def test_compile_kwargs_are_what_compile_takes():
    seen = {}

    def make(compile_kwargs, meta):
        seen.update(compile_kwargs)
        return make_by_compile_kwargs(compile_kwargs, meta)

    net = KerasClassifier(
        make,
        optimizer="sgd",
        optimizer__momentum=0.5,
        loss=keras.losses.SparseCategoricalCrossentropy,
        metrics=["accuracy"],
        **QUICK,
    ).fit(X, LABELS)
    assert isinstance(seen["optimizer"], keras.optimizers.SGD)
    assert set(seen) <= set(inspect.signature(keras.Model.compile).parameters)
    assert net.model_.optimizer.momentum == 0.5
    assert "accuracy" in net.history_
    assert "compile_kwargs" not in net.get_params()


def test_compile_kwargs_may_leave_the_loss_open():
    net = KerasClassifier(make_by_compile_kwargs, **QUICK).fit(X, LABELS)
    assert net.predict_proba(X).shape == (60, 3)

    def make(compile_kwargs, meta):
        compile_kwargs["loss"] = compile_kwargs["loss"] or (
            "sparse_categorical_crossentropy"
        )
        return make_by_compile_kwargs(compile_kwargs, meta)

    net = KerasClassifier(make, **QUICK).fit(X, LABELS)
    assert net.predict_proba(X).shape == (60, 3)


def test_params_are_those_of_the_estimator():
    seen = []

    def make(params, hidden_size=3):
        seen.append(params)
        return make_plain(hidden_size)

    net = KerasClassifier(make, hidden_size=5, **QUICK).fit(X, LABELS)
    assert seen[0]["hidden_size"] == 5
    assert set(seen[0]) == set(net.get_params())
    assert "params" not in net.get_params()


# -- who compiles -----------------------------------------------------------------


def test_what_the_function_compiles_counts():
    net = KerasClassifier(make_compiled, **QUICK).fit(X, LABELS)
    assert isinstance(net.model_.optimizer, keras.optimizers.SGD)
    assert rate(net) == pytest.approx(0.1)
    assert set(net.history_) == {"loss", "accuracy"}


def test_a_parameter_of_both_goes_to_the_function_too():
    net = KerasClassifier(
        make_compiled, optimizer="rmsprop", learning_rate=0.5, **QUICK
    ).fit(X, LABELS)
    assert isinstance(net.model_.optimizer, keras.optimizers.RMSprop)
    assert rate(net) == 0.5


def test_a_prefixed_parameter_of_both_goes_to_the_function_alone():
    net = KerasClassifier(make_compiled, model__learning_rate=0.25, **QUICK)
    assert net.get_params()["learning_rate"] is None
    assert rate(net.fit(X, LABELS)) == 0.25


@pytest.mark.parametrize(
    ("given", "check"),
    [
        (
            {"optimizer": "adam"},
            lambda net: isinstance(net.model_.optimizer, keras.optimizers.Adam),
        ),
        ({"learning_rate": 0.5}, lambda net: rate(net) == 0.5),
        ({"optimizer__learning_rate": 0.5}, lambda net: rate(net) == 0.5),
        (
            {"metrics": ["sparse_categorical_crossentropy"]},
            lambda net: (
                set(net.history_) == {"loss", "sparse_categorical_crossentropy"}
            ),
        ),
        (
            {"loss": "categorical_crossentropy"},
            lambda net: type(net.model_.loss) is keras.losses.CategoricalCrossentropy,
        ),
        ({"run_eagerly": True}, lambda net: net.model_.run_eagerly),
        ({"compile__run_eagerly": True}, lambda net: net.model_.run_eagerly),
    ],
    ids=without_addresses,
)
def test_what_the_estimator_is_given_outweighs_the_function(given, check):
    def make():
        return make_compiled()

    assert check(KerasClassifier(make, **given, **QUICK).fit(X, LABELS))


def test_an_uncompiled_network_is_compiled_by_what_it_is():
    net = KerasClassifier(make_plain, **QUICK).fit(X, LABELS)
    assert isinstance(net.model_.optimizer, keras.optimizers.Adam)
    assert set(net.history_) == {"loss", "accuracy"}
    net = KerasRegressor(make_regression, **QUICK).fit(X, NUMBERS)
    assert set(net.history_) == {"loss"}
    assert net.history_["loss"][0] > 0


# -- routed: optimizer__, loss__, metrics__, compile__, fit__, predict__ ----------


@pytest.mark.parametrize(
    "optimizer", ["sgd", "SGD", keras.optimizers.SGD], ids=["name", "Name", "class"]
)
def test_parameters_of_the_optimizer(optimizer):
    net = KerasClassifier(
        make_plain,
        optimizer=optimizer,
        optimizer__learning_rate=0.25,
        optimizer__momentum=0.5,
        **QUICK,
    ).fit(X, LABELS)
    assert isinstance(net.model_.optimizer, keras.optimizers.SGD)
    assert rate(net) == 0.25
    assert net.model_.optimizer.momentum == 0.5
    params = net.get_params()
    assert params["optimizer__learning_rate"] == 0.25
    assert clone(net).get_params()["optimizer__momentum"] == 0.5


def test_a_grid_over_parameters_of_the_optimizer():
    grid = GridSearchCV(
        KerasClassifier(make_plain, **QUICK),
        {"optimizer": ["sgd", "adam"], "optimizer__learning_rate": [0.01, 0.25]},
        cv=2,
        error_score="raise",
    ).fit(X, LABELS)
    best = grid.best_params_
    assert rate(grid.best_estimator_) == pytest.approx(best["optimizer__learning_rate"])
    name = type(grid.best_estimator_.model_.optimizer).__name__.lower()
    assert name == best["optimizer"]


def test_an_optimizer_object_serves_every_fit_and_is_never_changed():
    optimizer = keras.optimizers.Adam(0.25)
    net = KerasClassifier(make_plain, optimizer=optimizer, **QUICK)
    first = net.fit(X, LABELS).predict_proba(X)
    assert optimizer.iterations.numpy() == 0
    assert rate(net) == 0.25
    np.testing.assert_array_equal(net.fit(X, LABELS).predict_proba(X), first)
    np.testing.assert_array_equal(clone(net).fit(X, LABELS).predict_proba(X), first)


def test_parameters_of_an_object_are_those_of_a_copy():
    optimizer = keras.optimizers.SGD(0.1)
    net = KerasClassifier(
        make_plain, optimizer=optimizer, optimizer__momentum=0.5, **QUICK
    ).fit(X, LABELS)
    assert (rate(net), net.model_.optimizer.momentum) == (pytest.approx(0.1), 0.5)
    assert optimizer.momentum == 0.0


class OwnRate(keras.optimizers.SGD):
    """An optimizer of one's own, which holds more than its config says."""

    def __init__(self, learning_rate=0.1, momentum=0.0):
        super().__init__(learning_rate, momentum)
        self.secret = object()


def own_loss(y_true, y_pred):
    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred)


def own_metric(y_true, y_pred):
    return keras.ops.zeros_like(y_true)


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": OwnRate(), "optimizer__momentum": 0.5},
        {"loss": own_loss, "loss__from_logits": True},
        {"metrics": [own_metric], "metrics__name": "mine"},
        {"metrics__name": "mine"},
    ],
    ids=without_addresses,
)
def test_what_takes_no_parameters_is_named(options):
    # It is made already, or not there: nothing may be ignored without a word.
    name = next(iter(options)).partition("__")[0]
    with pytest.raises((TypeError, ValueError), match=f"{name!r} parameter"):
        KerasClassifier(make_plain, **options, **QUICK).fit(X, LABELS)


@pytest.mark.parametrize(
    "loss",
    [
        "SparseCategoricalCrossentropy",
        "sparse_categorical_crossentropy",
        keras.losses.SparseCategoricalCrossentropy,
    ],
    ids=["Name", "name", "class"],
)
def test_parameters_of_the_loss(loss):
    losses = [
        KerasClassifier(make_plain, loss=loss, **options, **QUICK)
        .fit(X, LABELS)
        .history_["loss"][0]
        for options in ({}, {"loss__ignore_class": 2})
    ]
    assert losses[0] != losses[1]


def test_parameters_of_a_function_of_keras_own_are_those_of_its_class():
    net = KerasClassifier(
        lambda: network(4, 3, 3, None),
        loss=keras.losses.sparse_categorical_crossentropy,
        loss__from_logits=True,
        **QUICK,
    ).fit(X, LABELS)
    np.testing.assert_allclose(net.predict_proba(X).sum(axis=1), 1, rtol=1e-5)


Counting = keras.metrics.SparseTopKCategoricalAccuracy


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"metrics": "accuracy"}, ["accuracy"]),
        ({"metrics": ["accuracy"]}, ["accuracy"]),
        ({"metrics": Counting}, ["sparse_top_k_categorical_accuracy"]),
        ({"metrics": [Counting(k=2, name="two")]}, ["two"]),
        ({"metrics": Counting, "metrics__k": 2, "metrics__name": "two"}, ["two"]),
        ({"metrics": [Counting], "metrics__0__name": "first"}, ["first"]),
        (
            {
                "metrics": [Counting, Counting],
                "metrics__name": "all",
                "metrics__0__name": "first",
            },
            ["all", "first"],
        ),
    ],
    ids=without_addresses,
)
def test_metrics_and_their_parameters(options, names):
    net = KerasClassifier(make_plain, **options, **QUICK).fit(X, LABELS)
    assert sorted(net.history_) == sorted(["loss", *names])
    assert all(np.isfinite(net.history_[name]).all() for name in names)


def test_parameters_of_compile():
    net = KerasClassifier(
        make_plain,
        compile__weighted_metrics=["accuracy"],
        compile__steps_per_execution=2,
        **QUICK,
    ).fit(X, LABELS)
    assert any("accuracy" in name for name in net.history_)
    assert net.model_.steps_per_execution == 2


def test_run_eagerly_learns_what_a_graph_learns():
    graph = KerasClassifier(make_plain, **QUICK).fit(X, LABELS)
    eager = KerasClassifier(make_plain, run_eagerly=True, **QUICK).fit(X, LABELS)
    assert eager.model_.run_eagerly
    np.testing.assert_allclose(
        eager.predict_proba(X), graph.predict_proba(X), atol=1e-5
    )
    again = pickle.loads(pickle.dumps(eager))
    np.testing.assert_array_equal(again.predict_proba(X), eager.predict_proba(X))


def test_parameters_of_fit():
    plain = KerasClassifier(
        make_plain, epochs=2, batch_size=16, validation_split=0.2, random_state=0
    ).fit(X, LABELS)
    routed = KerasClassifier(
        make_plain,
        fit__epochs=2,
        fit__batch_size=16,
        fit__validation_split=0.2,
        random_state=0,
    ).fit(X, LABELS)
    assert len(routed.history_["val_loss"]) == 2
    np.testing.assert_array_equal(routed.predict_proba(X), plain.predict_proba(X))


def test_parameters_of_fit_outweigh_those_of_all():
    net = KerasClassifier(make_plain, epochs=1, fit__epochs=3, random_state=0)
    assert len(net.fit(X, LABELS).history_["loss"]) == 3


@pytest.mark.parametrize("prefix", ["", "fit__"])
def test_batches_of_validation_change_no_result(prefix):
    histories = [
        KerasClassifier(
            make_plain,
            validation_split=0.5,
            **{f"{prefix}validation_batch_size": size},
            **QUICK,
        )
        .fit(X, LABELS)
        .history_["val_loss"]
        for size in (4, 30)
    ]
    np.testing.assert_allclose(*histories, rtol=1e-5)


def test_parameters_of_predict_change_no_prediction():
    net = KerasClassifier(make_plain, **QUICK).fit(X, LABELS)
    expected = net.predict_proba(X)
    net.set_params(predict__batch_size=7, predict__verbose=0)
    np.testing.assert_allclose(net.predict_proba(X), expected, atol=1e-6)
    assert clone(net).get_params()["predict__batch_size"] == 7


# -- what nobody takes ------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ({"hiden_size": 3}, "hidden_size"),
        ({"model__hiden_size": 3}, "hidden_size"),
        ({"epoch": 3}, "epochs"),
        ({"fit__epoch": 3}, "epochs"),
        ({"optimiser": "sgd"}, "optimizer"),
        ({"optimizer__learning_rat": 0.1}, "learning_rate"),
        ({"predict__batchsize": 3}, "batch_size"),
        ({"compile__loss_weight": 3}, "loss_weights"),
    ],
    ids=without_addresses,
)
def test_a_name_that_nobody_takes_is_refused_at_once(wrong, near):
    with pytest.raises(TypeError, match=near):
        KerasClassifier(make_plain, optimizer="sgd", **wrong)
    net = KerasClassifier(make_plain, optimizer="sgd")
    before = net.get_params()
    with pytest.raises(ValueError, match=near):
        net.set_params(**wrong)
    assert net.get_params() == before
    with pytest.raises(ValueError, match=near):
        GridSearchCV(
            net, {name: [each] for name, each in wrong.items()}, error_score="raise"
        ).fit(X, LABELS)


def test_a_function_and_its_keywords_are_set_together():
    net = KerasClassifier(make_plain, **QUICK)
    net.set_params(model=make_without_default, activation="softmax", hidden_size=4)
    assert units(net.fit(X, LABELS)) == 4
    assert "kernel_regularizer" not in net.get_params()


@pytest.mark.parametrize(
    "together",
    [
        {"optimizer": "sgd", "optimizer__momentum": 0.5},
        {"feature_encoder": StandardScaler(), "feature_encoder__with_mean": False},
    ],
    ids=without_addresses,
)
def test_a_parameter_and_what_it_takes_are_set_together(together):
    net = KerasClassifier(make_plain, optimizer="adam", **QUICK).set_params(**together)
    assert {name: net.get_params()[name] for name in together} == together
    net.fit(X, LABELS)


@pytest.mark.parametrize(
    ("before", "now"), [("build_fn", "model"), ("nb_epoch", "epochs")]
)
def test_names_of_other_wrappers_are_refused_with_the_name_here(before, now):
    with pytest.raises(TypeError, match=f"did you mean {now!r}"):
        KerasClassifier(**{before: make_plain})


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("optimizer", "sgf"),
        ("loss", "sparse_categorical_crossentropi"),
        ("metrics", ["acuracy"]),
        ("batch_size", 0),
        ("epochs", 2.5),
        ("validation_split", 1.0),
        ("validation_batch_size", -3),
        ("class_weight", "balance"),
    ],
)
def test_values_that_can_not_be_are_refused_by_name(parameter, value):
    net = KerasClassifier(make_plain, **{**QUICK, parameter: value})
    with pytest.raises(ValueError, match=parameter):
        net.fit(X, LABELS)
    assert not hasattr(net, "history_")


@pytest.mark.parametrize("method", ["predict", "predict_proba", "score", "transform"])
def test_nothing_is_answered_before_a_fit(method):
    net = KerasClassifier(make_plain, transform_layer="hidden")
    arguments = (X, LABELS) if method == "score" else (X,)
    with pytest.raises(NotFittedError):
        getattr(net, method)(*arguments)


# -- copies and seeds -------------------------------------------------------------


def test_a_repr_shows_what_was_given():
    text = repr(KerasClassifier(make_plain, hidden_size=7, epochs=2))
    assert text.startswith("KerasClassifier(")
    assert "hidden_size=7" in text
    assert "epochs=2" in text
    assert "batch_size" not in text


def test_a_clone_leaves_open_what_was_left_open():
    # The function has defaults for them, which it gets if they stay open.
    net = KerasClassifier(make_compiled)
    assert net.get_params()["optimizer"] == "auto"
    assert clone(net).learning_rate is None

    def make(optimizer="sgd"):
        return make_plain()

    for each in (KerasClassifier(make, **QUICK), clone(KerasClassifier(make, **QUICK))):
        assert isinstance(each.fit(X, LABELS).model_.optimizer, keras.optimizers.Adam)


def test_what_the_function_compiled_by_may_change_when_a_fit_goes_on():
    net = KerasClassifier(make_compiled, warm_start=True, **QUICK).fit(X, LABELS)
    net.set_params(learning_rate=0.5).fit(X, LABELS)
    assert rate(net) == 0.5
    assert net.model_.optimizer.iterations.numpy() == 4
    net.set_params(metrics=[Counting(k=2, name="two")]).fit(X, LABELS)
    assert rate(net) == 0.5
    assert "two" in net.history_
    net.set_params(optimizer="rmsprop").fit(X, LABELS)
    assert isinstance(net.model_.optimizer, keras.optimizers.RMSprop)
    assert len(net.history_["loss"]) == 4


def test_clones_and_pickles_have_equal_parameters():
    net = KerasClassifier(
        make_plain,
        hidden_size=7,
        optimizer="sgd",
        optimizer__momentum=0.5,
        fit__epochs=2,
        random_state=0,
    )
    for copy in (clone(net), pickle.loads(pickle.dumps(net))):
        assert copy.get_params() == net.get_params()
        expected = net.fit(X, LABELS).predict_proba(X)
        np.testing.assert_array_equal(copy.fit(X, LABELS).predict_proba(X), expected)


@pytest.mark.parametrize("seed", [0, 123])
def test_a_seed_draws_the_same_network_for_the_function(seed):
    net = KerasClassifier(make_plain, epochs=1, random_state=seed)
    first = net.fit(X, LABELS).model_.get_weights()
    again = clone(net).fit(X, LABELS).model_.get_weights()
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    other = clone(net).set_params(random_state=seed + 1).fit(X, LABELS)
    assert not np.array_equal(other.model_.get_weights()[0], first[0])


def test_without_a_seed_networks_differ():
    net = KerasRegressor(make_regression, epochs=1)
    kernels = [net.fit(X, NUMBERS).model_.get_weights()[0] for _ in range(2)]
    assert not np.array_equal(*kernels)


def test_nobody_elses_generators_are_touched():
    def draws():
        keras.backend.clear_session()
        keras.utils.set_random_seed(7)
        yield
        yield (
            random.random(),
            np.random.random(),  # noqa: NPY002
            keras.random.uniform((2,)).numpy().tolist(),
        )

    untouched = draws()
    next(untouched)
    expected = next(untouched)
    touched = draws()
    next(touched)
    KerasClassifier(make_plain, epochs=1, random_state=0).fit(X, LABELS)
    assert next(touched) == expected


class Leaves(KerasClassifier):
    """Names a routed parameter and leaves it to whoever stores it."""

    def __init__(self, width=3, optimizer__learning_rate=0.25, **others):
        super().__init__(**others)
        self.width = width

    def _keras_build_fn(self, meta):
        return keras.Sequential(
            [
                keras.layers.Input((meta["n_features_in_"],)),
                keras.layers.Dense(self.width),
                keras.layers.Dense(meta["n_classes_"], activation="softmax"),
            ]
        )


class HandsOn(Leaves):
    """Has another value by default than the class before it."""

    def __init__(self, *, depth=1, **others):
        super().__init__(**{"optimizer__learning_rate": 0.5, **others})
        self.depth = depth


def test_routed_parameters_that_a_constructor_only_names_are_heard():
    X, y = np.eye(4), np.arange(4) % 2
    net = Leaves(epochs=1)
    assert net.get_params()["optimizer__learning_rate"] == 0.25
    assert rate(net.fit(X, y)) == 0.25
    given = Leaves(optimizer__learning_rate=0.125, epochs=1)
    assert rate(clone(given).fit(X, y)) == 0.125
    again = clone(given.set_params(optimizer__learning_rate=0.5))
    assert again.get_params() == given.get_params()
    assert rate(again.fit(X, y)) == 0.5
    assert rate(pickle.loads(pickle.dumps(again))) == 0.5
    assert HandsOn().get_params()["optimizer__learning_rate"] == 0.5
    assert rate(clone(HandsOn(epochs=1, width=2)).fit(X, y)) == 0.5


@pytest.mark.parametrize("size", [0, -2, 1.5, "many", True])
def test_samples_of_a_prediction_are_some_or_all(size):
    net = Leaves(epochs=1, predict__batch_size=size)
    with pytest.raises(ValueError, match=r"'predict__batch_size' .* must be an int"):
        net.fit(np.eye(4), np.arange(4) % 2)


def test_names_that_an_optimizer_does_not_take_are_said_with_its_class():
    def make():
        net = keras.Sequential(
            [keras.layers.Input((4,)), keras.layers.Dense(2, activation="softmax")]
        )
        net.compile(keras.optimizers.SGD(), "sparse_categorical_crossentropy")
        return net

    net = KerasClassifier(make, optimizer__learnin_rate=1)
    with pytest.raises(ValueError, match="'optimizer__learnin_rate'") as raised:
        net.fit(np.eye(4), np.arange(4) % 2)
    assert "object at" not in str(raised.value)
    assert "SGD" in str(raised.value)
