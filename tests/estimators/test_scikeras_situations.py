"""What users of SciKeras do, from the first fit to a pickle, with one import changed.

Parameters, callbacks, targets and encoders each have a file of their own beside this.
"""

import copy
import pickle
from functools import partial

import joblib
import keras
import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import RFE
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import sknn_mnist
from sknn_mnist import KerasClassifier, KerasRegressor


def scaled(loader, rows):
    X, y = loader(return_X_y=True)
    kept = np.random.default_rng(0).permutation(len(X))[:rows]
    X, y = StandardScaler().fit_transform(X[kept]).astype(np.float32), y[kept]
    return X, (y if y.dtype.kind == "i" else (y - y.mean()) / y.std())


IRIS = scaled(load_iris, 150)
DIABETES = scaled(load_diabetes, 150)
QUICK = {"epochs": 1, "batch_size": 32, "random_state": 0}
LEARNT = {"epochs": 30, "batch_size": 32, "learning_rate": 0.05, "random_state": 0}


def make_classifier(meta, compile_kwargs, hidden_layer_sizes=(8,)):
    """Choose the output by the target, and compile by the estimator's parameters."""
    layers = [keras.layers.Input((meta["n_features_in_"],))]
    layers += [keras.layers.Dense(n, activation="relu") for n in hidden_layer_sizes]
    if meta["target_type_"] == "binary":
        loss, units, activation = "binary_crossentropy", 1, "sigmoid"
    else:
        loss = "sparse_categorical_crossentropy"
        units, activation = meta["n_classes_"], "softmax"
    model = keras.Sequential([*layers, keras.layers.Dense(units, activation)])
    model.compile(optimizer=compile_kwargs["optimizer"], loss=loss)
    return model


def make_regressor(meta, hidden_layer_sizes=(8,)):
    layers = [keras.layers.Input((meta["n_features_in_"],))]
    layers += [keras.layers.Dense(n, activation="relu") for n in hidden_layer_sizes]
    return keras.Sequential([*layers, keras.layers.Dense(meta["n_outputs_"])])


def make_functional(dropout=0.0, batch_norm=False):
    """Build a functional network with layers that behave otherwise in training."""
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(8, activation="relu")(inputs)
    if batch_norm:
        hidden = keras.layers.BatchNormalization()(hidden)
    hidden = keras.layers.Dropout(dropout)(hidden)
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(hidden))


def make_of_size(input_size=100):
    inputs = keras.Input((input_size,))
    return keras.Model(inputs, keras.layers.Dense(1)(inputs))


def classifier(**options):
    return KerasClassifier(make_classifier, **{**LEARNT, **options})


def regressor(**options):
    options = {"model": make_regressor, "loss": "mse", **LEARNT, **options}
    return KerasRegressor(**options)


def check_whole(net, X, y):
    """Fit, predict, score, and find all of it again in a pickle."""
    net.fit(X, y)
    assert net.predict(X).shape == y.shape
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    assert again.score(X, y) == net.score(X, y)
    return net


# -- alone and in company ---------------------------------------------------------


@pytest.mark.parametrize("sizes", [[], (8,), (8, 4)], ids=str)
def test_alone(sizes):
    net = check_whole(classifier(hidden_layer_sizes=sizes), *IRIS)
    assert net.score(*IRIS) > 0.8
    net = check_whole(regressor(model__hidden_layer_sizes=sizes), *DIABETES)
    assert len(net.history_["loss"]) == LEARNT["epochs"]
    assert net.history_["loss"][-1] < net.history_["loss"][0]


def test_kinds_are_told():
    assert is_classifier(classifier())
    assert is_regressor(regressor())


@pytest.mark.parametrize("options", [{}, {"dropout": 0.5}, {"batch_norm": True}])
def test_a_functional_network(options):
    check_whole(KerasClassifier(make_functional, **options, **LEARNT), *IRIS)


def test_in_a_pipeline():
    check_whole(make_pipeline(StandardScaler(), classifier()), *IRIS)
    check_whole(make_pipeline(StandardScaler(), regressor()), *DIABETES)


@pytest.mark.slow
def test_in_searches():
    grid = GridSearchCV(
        classifier(epochs=1, validation_split=0.1),
        {
            "model__hidden_layer_sizes": [[], [5]],
            "optimizer": ["sgd", "adam"],
            "optimizer__learning_rate": [0.1],
        },
        cv=2,
        error_score="raise",
    )
    grid.set_params(estimator__learning_rate=None)
    check_whole(grid, *IRIS)
    name = type(grid.best_estimator_.model_.optimizer).__name__.lower()
    assert name == grid.best_params_["optimizer"]
    search = RandomizedSearchCV(
        regressor(epochs=1),
        {"epochs": [1, 2, 3], "optimizer": ["rmsprop", "sgd"]},
        n_iter=2,
        cv=2,
        random_state=0,
        error_score="raise",
    )
    check_whole(search, *DIABETES)


@pytest.mark.parametrize(
    "ensemble",
    [
        lambda net: BaggingClassifier(net, n_estimators=2, random_state=0),
        lambda net: AdaBoostClassifier(net, n_estimators=2, random_state=0),
        lambda net: CalibratedClassifierCV(net, cv=2),
        lambda net: VotingClassifier(
            [("net", net), ("other", LogisticRegression())], voting="soft"
        ),
        lambda net: StackingClassifier(
            [("net", net), ("other", LogisticRegression())], cv=2
        ),
    ],
    ids=["bagging", "boosting", "calibrated", "voting", "stacking"],
)
def test_in_ensembles_of_classifiers(ensemble):
    whole = check_whole(ensemble(classifier()), *IRIS)
    assert whole.score(*IRIS) > 0.8


@pytest.mark.parametrize("Ensemble", [BaggingRegressor, AdaBoostRegressor])
def test_in_ensembles_of_regressors(Ensemble):
    check_whole(Ensemble(regressor(), n_estimators=2, random_state=0), *DIABETES)


def test_networks_of_an_ensemble_are_their_own():
    X, y = IRIS
    whole = BaggingClassifier(classifier(), n_estimators=2, random_state=0).fit(X, y)
    one, other = [each.model_.get_weights()[0] for each in whole.estimators_]
    assert not np.array_equal(one, other)


def test_in_the_hands_of_scikit_learns_functions():
    X, y = IRIS
    assert cross_val_predict(classifier(), X, y, cv=2).shape == y.shape
    net = classifier().fit(X, y)
    importances = permutation_importance(net, X, y, n_repeats=2, random_state=0)
    assert importances.importances_mean.argmax() in (2, 3)  # the petals
    chosen = RFE(
        classifier(epochs=1),
        n_features_to_select=2,
        importance_getter=lambda net: np.abs(net.model_.get_weights()[0]).sum(axis=1),
    ).fit(X, y)
    assert chosen.support_.sum() == 2


def test_folds_of_a_classifier_are_stratified():
    X, y = IRIS
    order = np.argsort(y)  # unstratified, a fold would lack a class
    scores = cross_val_score(classifier(), X[order], y[order], cv=3)
    assert scores.min() > 0.7


def test_threads_fit_as_one_does():
    X, y = IRIS
    sizes = {"hidden_layer_sizes": [(2,), (5,)]}
    alone = GridSearchCV(classifier(epochs=2), sizes, cv=2).fit(X, y)
    with joblib.parallel_config("threading", n_jobs=2):
        threads = GridSearchCV(classifier(epochs=2), sizes, cv=2, n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(
        threads.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )


@pytest.mark.slow
def test_processes_get_functions_that_no_module_has():
    X, y = IRIS

    def make(width=2):
        return keras.Sequential(
            [
                keras.layers.Input((4,)),
                keras.layers.Dense(width, activation="relu"),
                keras.layers.Dense(3, activation="softmax"),
            ]
        )

    grid = GridSearchCV(
        KerasClassifier(make, **QUICK),
        {"width": [2, 5]},
        cv=2,
        n_jobs=2,
        error_score="raise",
    ).fit(X, y)
    assert grid.predict(X).shape == y.shape


# -- sparse matrices --------------------------------------------------------------


def test_sparse_rows_are_made_dense_by_the_pipeline():
    categories = np.arange(40).reshape(-1, 1) % 5
    y = (categories[:, 0] < 2).astype(float)
    dense = make_pipeline(OneHotEncoder(sparse_output=False), regressor())
    dense.fit(categories, y)
    assert dense.score(categories, y) > 0.9
    made_dense = make_pipeline(
        OneHotEncoder(),
        FunctionTransformer(scipy.sparse.csr_matrix.toarray, accept_sparse=True),
        regressor(),
    ).fit(categories, y)
    np.testing.assert_array_equal(
        made_dense.predict(categories), dense.predict(categories)
    )


@pytest.mark.parametrize(
    "form", [scipy.sparse.csr_matrix, scipy.sparse.coo_matrix, scipy.sparse.csr_array]
)
def test_sparse_rows_are_refused_by_name(form):
    X, y = IRIS
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        classifier().fit(form(X), y)
    net = classifier(epochs=1).fit(X, y)
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        net.predict(form(X))


# -- subclasses -------------------------------------------------------------------


class Classifier(KerasClassifier):
    """Builds its network itself, from its own attributes."""

    def __init__(
        self,
        hidden_layer_sizes=(8,),
        optimizer="adam",
        optimizer__learning_rate=0.05,
        epochs=30,
        verbose=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.hidden_layer_sizes = hidden_layer_sizes
        self.optimizer = optimizer
        self.optimizer__learning_rate = optimizer__learning_rate
        self.epochs = epochs
        self.verbose = verbose

    def _keras_build_fn(self, compile_kwargs):
        layers = [keras.layers.Input((self.n_features_in_,))]
        layers += [
            keras.layers.Dense(n, activation="relu") for n in self.hidden_layer_sizes
        ]
        if self.target_type_ == "binary":
            loss, units, activation = "binary_crossentropy", 1, "sigmoid"
        else:
            loss = "sparse_categorical_crossentropy"
            units, activation = self.n_classes_, "softmax"
        model = keras.Sequential([*layers, keras.layers.Dense(units, activation)])
        model.compile(loss=loss, optimizer=compile_kwargs["optimizer"])
        return model


class Regressor(KerasRegressor):
    """Builds its network itself, from arguments."""

    def _keras_build_fn(self, hidden_dim, meta, compile_kwargs, depth=1):
        layers = [keras.layers.Input((meta["n_features_in_"],))]
        layers += [
            keras.layers.Dense(hidden_dim, activation="relu") for _ in range(depth)
        ]
        model = keras.Sequential([*layers, keras.layers.Dense(1)])
        model.compile(loss="mse", optimizer=compile_kwargs["optimizer"])
        return model


class Fixed(KerasClassifier):
    """Has no parameters at all."""

    def __init__(self):
        super().__init__()

    def _keras_build_fn(self):
        model = keras.Sequential(
            [keras.layers.Input((4,)), keras.layers.Dense(3, activation="softmax")]
        )
        model.compile(loss="sparse_categorical_crossentropy")
        return model


@pytest.mark.parametrize("classes", [2, 3])
def test_a_subclass_with_an_init_of_its_own(classes):
    X, y = IRIS
    X, y = X[y < classes], y[y < classes]
    net = check_whole(Classifier(random_state=0), X, y)
    assert net.score(X, y) > 0.8
    assert float(net.model_.optimizer.learning_rate.numpy()) == pytest.approx(0.05)
    params = net.get_params()
    assert params["hidden_layer_sizes"] == (8,)
    assert params["optimizer__learning_rate"] == 0.05
    again = clone(net.set_params(hidden_layer_sizes=(3,))).fit(X, y)
    assert again.model_.layers[0].units == 3
    grid = GridSearchCV(
        Classifier(epochs=1),
        {"hidden_layer_sizes": [(2,), (3,)], "optimizer__learning_rate": [0.1]},
        cv=2,
        error_score="raise",
    ).fit(X, y)
    units = grid.best_estimator_.model_.layers[0].units
    assert (units,) == grid.best_params_["hidden_layer_sizes"]


def test_attributes_are_set_as_parameters_are():
    net = KerasClassifier(make_functional, **LEARNT)
    net.dropout = 0.25
    net.optimizer__beta_1 = 0.5
    assert (net.get_params()["dropout"], net.dropout) == (0.25, 0.25)
    model = clone(net).fit(*IRIS).model_
    assert model.optimizer.beta_1 == 0.5
    assert model.layers[2].rate == 0.25


def test_copies_have_parameters_of_their_own():
    net = KerasClassifier(make_functional, dropout=0.25)
    for each in (copy.copy(net), copy.deepcopy(net), clone(net)):
        each.set_params(dropout=0.5)
    assert net.dropout == 0.25


def test_a_subclass_hands_further_parameters_on():
    net = Classifier(batch_size=16, random_state=0, epochs=2)
    assert net.batch_size == 16
    X, y = IRIS
    assert len(net.fit(X, y).history_["loss"]) == 2
    expected = net.predict_proba(X)
    again = clone(net)
    assert (again.batch_size, again.random_state) == (16, 0)
    np.testing.assert_array_equal(again.fit(X, y).predict_proba(X), expected)


def test_a_subclass_without_an_init():
    net = check_whole(Regressor(hidden_dim=5, **LEARNT), *DIABETES)
    assert net.model_.layers[0].units == 5
    params = net.get_params()
    assert (params["hidden_dim"], params["depth"]) == (5, 1)
    assert clone(net.set_params(model__hidden_dim=3)).get_params()["hidden_dim"] == 3
    with pytest.raises((TypeError, ValueError), match="hidden_dim"):
        Regressor(**LEARNT).fit(*DIABETES)


def test_a_subclass_without_parameters():
    X, y = IRIS
    net = clone(Fixed()).fit(X, y)
    assert net.predict(X).shape == y.shape
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    again.partial_fit(X, y)
    assert len(again.history_["loss"]) == 11


def test_somebody_must_build():
    class Nobody(KerasClassifier):
        pass

    with pytest.raises((TypeError, ValueError), match="model"):
        Nobody().fit(*IRIS)


# -- networks that are there already ----------------------------------------------


def trained(loss="sparse_categorical_crossentropy", **options):
    model = make_functional(**options)
    model.compile("sgd", loss)
    X, y = IRIS
    y = np.eye(3)[y] if loss == "categorical_crossentropy" else y
    model.fit(X, y, epochs=2, verbose=0)
    return model


@pytest.mark.parametrize(
    "loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"]
)
def test_a_network_that_is_there_is_where_each_fit_starts(loss):
    X, y = IRIS
    model = trained(loss)
    before = model.get_weights()
    net = KerasClassifier(model, epochs=2, random_state=0)
    first = net.fit(X, y).model_.get_weights()
    assert net.model_ is not model
    assert not np.array_equal(first[0], before[0])
    second = net.fit(X, y).model_.get_weights()
    for start, given, one, other in zip(
        before, model.get_weights(), first, second, strict=True
    ):
        np.testing.assert_array_equal(given, start)
        np.testing.assert_array_equal(one, other)


def test_clones_share_a_network_and_learn_apart():
    X, y = IRIS
    model = trained()
    before = model.get_weights()
    net = KerasClassifier(model, **QUICK)
    copied = clone(net)
    assert copied.model is model
    expected = net.fit(X[:75], y[:75]).predict_proba(X)
    copied.fit(X[75:], y[75:])
    np.testing.assert_array_equal(net.predict_proba(X), expected)
    assert not np.array_equal(copied.predict_proba(X), expected)
    # No fold learns from another: all of them start alike.
    once = cross_val_score(net, X, y, cv=3)
    np.testing.assert_array_equal(cross_val_score(net, X, y, cv=3), once)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_frozen_layers_stay_as_they_are():
    X, y = IRIS
    model = trained(batch_norm=True)
    model.layers[1].trainable = False
    kernel = model.layers[1].kernel.numpy()
    net = check_whole(KerasClassifier(model, **LEARNT), X, y)
    np.testing.assert_array_equal(net.model_.layers[1].kernel.numpy(), kernel)
    assert not np.array_equal(
        net.model_.layers[-1].kernel.numpy(), model.layers[-1].kernel.numpy()
    )


def test_a_network_that_is_there_in_company():
    for ensemble in (
        BaggingClassifier(KerasClassifier(trained(), **LEARNT), n_estimators=2),
        AdaBoostClassifier(KerasClassifier(trained(), **LEARNT), n_estimators=2),
    ):
        check_whole(ensemble, *IRIS)
    inputs = keras.Input((10,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    model.compile("adam", "mae")
    check_whole(KerasRegressor(model, **QUICK), *DIABETES)


def test_a_network_from_keras_own_file_goes_on(tmp_path):
    X, y = IRIS
    net = classifier().fit(X, y)
    net.model_.save(tmp_path / "net.keras")
    model = keras.models.load_model(tmp_path / "net.keras")
    again = KerasClassifier(model, epochs=1, random_state=0)
    losses = again.fit(X, y).history_["loss"]
    assert losses[0] < classifier(epochs=1).fit(X, y).history_["loss"][0]


# -- going on ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_warm_start_goes_on_and_a_plain_fit_starts_anew(kind):
    X, y = IRIS if kind == "classifier" else DIABETES
    make = classifier if kind == "classifier" else regressor
    net = make(epochs=2).fit(X, y)
    first = net.model_.get_weights()
    net.fit(X, y)
    for one, other in zip(first, net.model_.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    net.set_params(warm_start=True).fit(X, y)
    whole = make(epochs=4).fit(X, y)
    assert net.history_["loss"] == whole.history_["loss"]
    for one, other in zip(
        whole.model_.get_weights(), net.model_.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("prefix", ["", "fit__"])
def test_partial_fit_trains_one_epoch_whatever_epochs_says(prefix):
    X, y = DIABETES
    net = KerasRegressor(make_regressor, random_state=0, **{f"{prefix}epochs": 3})
    for k in range(1, 4):
        net.partial_fit(X, y)
        assert [len(each) for each in net.history_.values()] == [k]
        assert net.current_epoch == k
    assert len(net.fit(X, y).history_["loss"]) == 3
    net.partial_fit(X, y)
    assert net.current_epoch == 4


@pytest.mark.parametrize(
    "optimizer",
    ["adam", "sgd", keras.optimizers.SGD(0.01, momentum=0.9), keras.optimizers.Adam()],
    ids=["adam", "sgd", "momentum", "Adam()"],
)
def test_a_pickle_between_two_epochs_changes_nothing(optimizer):
    X, y = DIABETES
    net = regressor(optimizer=optimizer, learning_rate=None)
    straight, pickled = clone(net), pickle.loads(pickle.dumps(clone(net)))
    for _ in range(3):
        straight.partial_fit(X, y)
        pickled = pickle.loads(pickle.dumps(pickled)).partial_fit(X, y)
        np.testing.assert_array_equal(pickled.predict(X), straight.predict(X))
    assert pickled.history_ == straight.history_
    assert len(pickled.history_["loss"]) == 3


def test_history_is_a_dict_of_lists_of_numbers():
    net = regressor(epochs=2, metrics=["mae"], validation_split=0.2).fit(*DIABETES)
    assert type(net.history_) is dict
    # As `keras.Model.fit` names them.
    assert set(net.history_) == {"loss", "mae", "val_loss", "val_mae"}
    assert all(type(each) is list for each in net.history_.values())
    assert {len(each) for each in net.history_.values()} == {2}


# -- copies and files -------------------------------------------------------------


class OwnLoss(keras.losses.Loss):
    """A loss of one's own, with a parameter."""

    def __init__(self, power=2, name="own_loss", reduction="sum_over_batch_size"):
        super().__init__(name=name, reduction=reduction)
        self.power = power

    def call(self, y_true, y_pred):
        errors = keras.ops.abs(keras.ops.cast(y_true, y_pred.dtype) - y_pred)
        return keras.ops.mean(errors**self.power, axis=-1)


class OwnMetric(keras.metrics.MeanAbsoluteError):
    """A metric of one's own."""


class OwnLayer(keras.layers.Layer):
    """A layer of one's own, which nobody has registered."""

    def __init__(self, units, **options):
        super().__init__(**options)
        self.units = units

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")

    def call(self, x):
        return keras.ops.matmul(x, self.kernel)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def make_unregistered(units=2):
    """Build a network of a class that exists in here alone."""

    class Unregistered(keras.Model):
        pass

    inputs = keras.Input((10,))
    hidden = OwnLayer(units)(inputs)
    model = Unregistered(inputs, keras.layers.Dense(1)(hidden))
    model.compile("adam", "mean_squared_error")
    return model


@pytest.mark.parametrize(
    "options",
    [
        {"loss": OwnLoss},
        {"loss": OwnLoss, "loss__power": 1},
        {"loss": OwnLoss(power=1)},
        {"metrics": ["mse", OwnMetric(name="own")]},
        {"metrics": [OwnMetric], "metrics__0__name": "own"},
        {"optimizer": keras.optimizers.SGD, "optimizer__learning_rate": 0.01},
        {"model": make_unregistered, "loss": "auto"},
        {"model": partial(make_of_size, input_size=10)},
    ],
    ids=[
        *["loss class", "loss with a parameter", "loss object", "metric object"],
        *["metric class", "optimizer class", "unregistered model", "partial"],
    ],
)
@pytest.mark.parametrize(
    "copied",
    [
        lambda net: pickle.loads(pickle.dumps(net)),
        pytest.param(copy.deepcopy, marks=pytest.mark.slow),
    ],
    ids=["pickle", "deepcopy"],
)
def test_code_of_ones_own_is_copied_with_an_estimator(options, copied):
    X, y = DIABETES
    net = regressor(**{"epochs": 2, "learning_rate": None, **options})
    net = copied(clone(net)).fit(X, y)
    again = copied(net)
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    assert again.history_ == net.history_
    # Both go on alike, and the names of metrics stay what they were.
    again.partial_fit(X, y)
    net.partial_fit(X, y)
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    assert set(again.history_) == set(net.history_)
    assert {len(each) for each in again.history_.values()} == {3}


def test_a_file_of_layers_of_ones_own_is_read_with_the_function(tmp_path):
    X, y = DIABETES
    net = KerasRegressor(make_unregistered, **QUICK).fit(X, y)
    net.save(tmp_path / "net.safetensors")
    again = sknn_mnist.load(tmp_path / "net.safetensors", model=make_unregistered)
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    with pytest.raises((TypeError, ValueError), match=r"OwnLayer|Unregistered|model"):
        sknn_mnist.load(tmp_path / "net.safetensors")


def test_a_file_of_keras_own_layers_is_read_by_itself(tmp_path):
    X, y = IRIS
    net = KerasClassifier(make_functional, **QUICK).fit(X, np.array(list("abc"))[y])
    net.save(tmp_path / "net.safetensors")
    again = sknn_mnist.load(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(again.predict(X), net.predict(X))


# -- what is not as in SciKeras ---------------------------------------------------


def test_defaults_are_those_of_the_package():
    params = KerasClassifier(make_functional).get_params()
    assert (params["epochs"], params["batch_size"], params["verbose"]) == (10, 128, 0)
    net = KerasClassifier(make_functional, random_state=0).fit(*IRIS)
    assert isinstance(net.model_.optimizer, keras.optimizers.Adam)


def test_keywords_of_fit_and_predict_are_parameters():
    X, y = IRIS
    with pytest.raises(TypeError, match="epochs"):
        classifier().fit(X, y, epochs=2)
    with pytest.raises(TypeError, match="batch_size"):
        classifier(epochs=1).fit(X, y).predict(X, batch_size=2)
    with pytest.raises(TypeError, match="epochs"):
        classifier().partial_fit(X, y, classes=[0, 1, 2], epochs=2)


def test_the_first_partial_fit_of_a_classifier_wants_the_classes():
    X, y = IRIS
    with pytest.raises(ValueError, match="classes"):
        classifier().partial_fit(X, y)
    assert classifier().partial_fit(X, y, classes=np.unique(y)).current_epoch == 1


@pytest.mark.parametrize("name", ["batch_size", "fit__batch_size"])
def test_a_batch_of_minus_one_is_all_rows(name):
    options = {"validation_split": 0.2, "validation_batch_size": -1}
    net = KerasClassifier(make_functional, epochs=3, random_state=0, **options)
    net.set_params(**{name: -1}).fit(*IRIS)
    assert net.model_.optimizer.iterations.numpy() == 3


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_a_network_that_is_there_predicts_without_training(kind):
    X, y = IRIS if kind == "classifier" else DIABETES
    net = (classifier() if kind == "classifier" else regressor()).fit(X, y)
    again = type(net)(net.model_, epochs=2, random_state=0).initialize(X, y)
    np.testing.assert_allclose(again.predict(X), net.predict(X), atol=1e-6)
    assert again.score(X, y) == pytest.approx(net.score(X, y))
    assert again.history_ == {"loss": []}
    assert len(again.partial_fit(X, y).history_["loss"]) == 1
    copied = pickle.loads(pickle.dumps(type(net)(net.model_).initialize(X, y)))
    np.testing.assert_allclose(copied.predict(X), net.predict(X), atol=1e-6)


def test_a_model_and_a_method_that_builds_are_one_too_many():
    with pytest.raises(ValueError, match="_keras_build_fn"):
        Regressor(make_regressor).fit(*DIABETES)


@pytest.mark.parametrize("name", ["fit__validation_data", "fit__steps_per_epoch"])
def test_what_a_fit_does_not_take_is_refused(name):
    with pytest.raises(TypeError, match=name):
        KerasClassifier(make_functional, **{name: 3})


def test_numbers_are_predicted_as_scikit_learn_does():
    assert regressor(epochs=1).fit(*DIABETES).predict(DIABETES[0]).dtype == np.float64


def test_a_loss_of_the_estimator_replaces_that_of_the_function():
    def make():
        model = make_of_size(10)
        model.compile("sgd", "mse")
        return model

    net = KerasRegressor(make, loss="mae", metrics=["mae", "mse"], **QUICK)
    history = net.fit(*DIABETES).history_
    assert history["loss"] == pytest.approx(history["mae"])
    assert history["loss"] != pytest.approx(history["mse"])
