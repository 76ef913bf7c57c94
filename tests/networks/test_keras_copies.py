"""Objects of Keras, and the user's own, are copied and compared with all they hold."""

import copy
import inspect
import pickle

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import sknn_mnist
from sknn_mnist import DenseClassifier, DenseRegressor
from sknn_mnist.networks._keras_contents import is_same_parameter
from sknn_mnist.networks._keras_copies import (
    arguments_of,
    copy_of,
)
from sknn_mnist.networks._keras_fingerprints import NotOwnError, fingerprint
from sknn_mnist.networks._keras_private import arguments_in_function

RNG = np.random.default_rng(0)
X = RNG.random((60, 5)).astype("float32")
Y = np.arange(60) % 3
NUMBERS = (X @ np.arange(5.0)).astype("float32") * 40

# A value for each argument of Keras's classes that is none of the defaults.
ODD = {
    **{"alpha": 0.3, "amsgrad": True, "apply_class_balancing": True},
    **{"average": "macro", "axis": 0, "beta": 0.6, "beta_1": 0.5, "beta_2": 0.6},
    **{"beta_2_decay": -0.5, "boundaries": [1, 2], "centered": True, "class_id": 1},
    **{"class_aggregation": "variance_weighted_average", "clip_threshold": 0.5},
    **{"clipnorm": 0.4, "curve": "PR", "cycle": True, "decay_rate": 0.5},
    **{"decay_steps": 5, "delta": 0.3, "dynamic_growth_steps": 3, "factor": 0.1},
    **{"ema_momentum": 0.5, "ema_overwrite_frequency": 3, "end_learning_rate": 0.01},
    **{"epsilon": 1e-4, "epsilon_1": 1e-9, "epsilon_2": 1e-4, "first_decay_steps": 3},
    **{"fn": keras.losses.mean_squared_error, "from_sorted_ids": True, "gamma": 1.5},
    **{"gradient_accumulation_steps": 2, "ignore_class": 1, "initial_scale": 4.0},
    **{"initial_accumulator_value": 0.2, "initial_learning_rate": 0.1, "k": 3},
    **{"l1": 0.1, "l2": 0.2, "l1_regularization_strength": 0.1, "label_smoothing": 0.2},
    **{"l2_regularization_strength": 0.1, "l2_shrinkage_regularization_strength": 0.1},
    **{"label_weights": [0.1, 0.2, 0.3], "learning_rate": 0.125, "m_mul": 0.5},
    **{"learning_rate_power": -0.3, "margin": 0.2, "mode": "rows", "momentum": 0.3},
    **{"max_value": 3.0, "min_value": 0.5, "rate": 0.5},
    **{"multi_label": True, "nesterov": True, "num_classes": 4, "num_labels": 3},
    **{"num_regressors": 1, "num_thresholds": 7, "power": 2.0, "precision": 0.3},
    **{"q": 0.3, "recall": 0.3, "reduction": "sum", "relative_step": False},
    **{"remove_diagonal": False, "rho": 0.4, "sensitivity": 0.2, "specificity": 0.2},
    **{"sparse_y_pred": False, "sparse_y_true": False, "staircase": True},
    **{"summation_method": "minoring", "t_mul": 1.5, "target_class_ids": [1]},
    **{"threshold": 0.7, "thresholds": [0.2, 0.8], "top_k": 2, "use_ema": True},
    **{"values": [0.1, 0.2, 0.3], "warmup_steps": 2, "warmup_target": 0.3},
    **{"weight_decay": 0.02, "inner_optimizer": keras.optimizers.Nadam(0.3)},
}
# And another, where that is the default.
OTHERWISE = {"axis": 1, "sparse_y_pred": True, "sparse_y_true": True, "nesterov": False}
OTHERWISE |= {"mode": "columns", "rate": 0.25, "factor": 0.5, "min_value": 0.25}
MODULES = {
    keras.losses: keras.losses.Loss,
    keras.metrics: keras.metrics.Metric,
    keras.optimizers: keras.optimizers.Optimizer,
    keras.optimizers.schedules: keras.optimizers.schedules.LearningRateSchedule,
    keras.regularizers: keras.regularizers.Regularizer,
    keras.constraints: keras.constraints.Constraint,
}
# Abstract, or made of other optimizers.
LEFT_OUT = {*MODULES.values(), getattr(keras.optimizers, "MultiOptimizer", None)}


def own_classes():
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": kind
        for module, base in MODULES.items()
        for name, kind in vars(module).items()
        if inspect.isclass(kind) and issubclass(kind, base) and kind not in LEFT_OUT
    }


CLASSES = own_classes()


def test_all_kinds_of_keras_are_there():
    assert len(CLASSES) > 90
    assert {"losses.Huber", "metrics.AUC", "regularizers.L1L2"} <= set(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_every_argument_of_every_class_is_kept_and_told_apart(name):
    kind = CLASSES[name]
    takes = inspect.signature(kind.__init__).parameters
    needed = {
        argument: ODD[argument]
        for argument, about in takes.items()
        if argument in ODD and about.default is inspect.Parameter.empty
    }
    if kind is keras.metrics.AUC:
        needed["multi_label"] = True  # without which labels have no weights
    if kind is keras.optimizers.schedules.CosineDecay:
        needed["warmup_steps"] = 5
    plain = kind(**needed)
    assert arguments_of(plain) is not None
    tried = 0
    for argument in takes.keys() & ODD.keys() - needed.keys():
        value = ODD[argument]
        if value == takes[argument].default:
            value = OTHERWISE[argument]
        odd = kind(**needed, **{argument: value})
        assert fingerprint(odd) != fingerprint(plain), argument
        assert not is_same_parameter(odd, plain), argument
        for copied in (copy_of(odd), copy.deepcopy(odd), by_pickle(odd), clone_of(odd)):
            assert copied is not odd
            assert is_same_parameter(copied, odd), argument
            assert fingerprint(copied) == fingerprint(odd), argument
            assert arguments_in_function(copied) == arguments_in_function(odd)
        tried += 1
    unknown = takes.keys() - ODD.keys() - {"self", "args", "kwargs", "name", "dtype"}
    assert tried + len(needed) or not unknown


def by_pickle(value):
    return pickle.loads(pickle.dumps(value))


def clone_of(value):
    return clone(value, safe=False)


# -- classes of the user's own that tell Keras too little -------------------------


class Steep(keras.losses.Loss):
    """Its get_config names no slope."""

    def __init__(self, slope=1.0):
        super().__init__(name="steep")
        self.slope = slope

    def call(self, y_true, y_pred):
        return self.slope * keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


class Scaled(keras.metrics.MeanSquaredError):
    def __init__(self, factor=1.0, name="scaled", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.factor = factor

    def result(self):
        return self.factor * super().result()


class Hasty(keras.optimizers.SGD):
    def __init__(self, learning_rate=0.01, haste=1.0, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.haste = haste

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient, variable, self.haste * learning_rate)


class Step(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, rate=0.1):
        self.rate = rate

    def __call__(self, step):
        return self.rate / (1.0 + keras.ops.cast(step, "float32"))


OWN = {
    "loss": lambda value: {"loss": Steep(value)},
    "metric": lambda value: {"metrics": [Scaled(value)]},
    "optimizer": lambda value: {"optimizer": Hasty(1e-5, value)},
    "schedule": lambda value: {"learning_rate": Step(value * 1e-5), "optimizer": "sgd"},
    "huber": lambda value: {"loss": keras.losses.Huber(value)},
    "cosine": lambda value: {
        "metrics": [keras.metrics.CosineSimilarity(axis=0 if value > 1 else -1)]
    },
    "adam": lambda value: {"optimizer": keras.optimizers.Adam(epsilon=value)},
    "in a config": lambda value: {
        "optimizer": {"class_name": "SGD", "config": {"momentum": value / 100}}
    },
}


def regressor(**parameters):
    return DenseRegressor(4, epochs=2, random_state=0, batch_size=20, **parameters)


def seen(net):
    return net.history_, net.predict(X)


@pytest.mark.parametrize("kind", OWN)
def test_what_config_leaves_out_trains_all_the_same(kind):
    one, other = (regressor(**OWN[kind](value)) for value in (1.0, 50.0))
    history, predicted = seen(other.fit(X, NUMBERS))
    assert one.fit(X, NUMBERS).history_ != history or not np.array_equal(
        one.predict(X), predicted
    )
    for copied in (clone(other), copy.deepcopy(other), by_pickle(other)):
        again_history, again = seen(copied.fit(X, NUMBERS))
        assert again_history == history
        np.testing.assert_array_equal(again, predicted)


@pytest.mark.parametrize("kind", OWN)
def test_warm_start_sees_what_config_leaves_out(kind):
    if kind == "in a config":
        pytest.skip("a dict is compared as it is")
    net = regressor(**OWN[kind](1.0), warm_start=True).fit(X, NUMBERS)
    stayed = clone(net).fit(X, NUMBERS).fit(X, NUMBERS)
    net.set_params(**OWN[kind](1.0)).fit(X, NUMBERS)  # the same anew
    assert net.history_ == stayed.history_
    net.set_params(**OWN[kind](50.0)).fit(X, NUMBERS)
    stayed.fit(X, NUMBERS)
    assert net.history_ != stayed.history_ or not np.array_equal(
        net.predict(X), stayed.predict(X)
    )


def test_an_object_changed_in_place_is_seen_under_warm_start():
    loss = Steep(1.0)
    net = regressor(loss=loss, warm_start=True).fit(X, NUMBERS)
    first = net.history_["loss"][-1]
    loss.slope = 1e-6
    assert net.fit(X, NUMBERS).history_["loss"][-1] < first / 1000


def test_a_grid_over_objects_searches_what_it_says():
    sknn_mnist.clear_network_pool()
    grid = {"loss": [keras.losses.Huber(1e-6), keras.losses.Huber(1.0)]}
    search = GridSearchCV(regressor(), grid, cv=2).fit(X, NUMBERS)
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] != scores[1]


def test_a_metric_and_a_loss_are_those_of_keras_to_the_number():
    metric = keras.metrics.CosineSimilarity(axis=0, name="c")
    net = DenseRegressor(
        4, epochs=1, random_state=0, shuffle=False, batch_size=60, metrics=[metric]
    )
    targets = np.stack([NUMBERS, -NUMBERS], axis=1)
    clone(net)._check_parameters()
    fitted = clone(net).fit(X, targets)
    net._initialize(X, targets)
    start = net._network.recipe.new_network()
    expected = keras.metrics.CosineSimilarity(axis=0)
    expected.update_state(targets, start(X))
    np.testing.assert_allclose(
        fitted.history_["c"][0], float(expected.result()), rtol=1e-4
    )


def test_code_of_the_users_own_has_no_fingerprint():
    things = [Steep(), Scaled(), Hasty(), Step(), lambda x: x, len, object()]
    patched = keras.losses.MeanSquaredError()
    patched.call = lambda y_true, y_pred: y_pred
    wrapping = keras.metrics.MeanMetricWrapper(lambda y_true, y_pred: y_pred)
    scheduled = keras.optimizers.SGD(Step())
    for thing in [*things, patched, wrapping, scheduled]:
        with pytest.raises(NotOwnError):
            fingerprint(thing)


def test_what_keras_may_move_is_where_we_look_for_it():
    assert arguments_in_function(keras.losses.Huber(0.3)) == {"delta": 0.3}
    cosine = keras.metrics.CosineSimilarity(axis=0)
    assert arguments_in_function(cosine)["axis"] == 0
    # A class of Keras's that holds other things than arguments would be unknown.
    assert DenseClassifier(random_state=0, epochs=1).fit(X, Y)._network.recipe.key


def test_a_wrapper_of_the_users_function_is_copied_with_it():
    def doubled(y_true, y_pred):
        return 2 * keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)

    metric = keras.metrics.MeanMetricWrapper(doubled, name="doubled")
    net = regressor(metrics=[metric, "mse"]).fit(X, NUMBERS)
    np.testing.assert_allclose(
        net.history_["doubled"], 2 * np.array(net.history_["mse"]), rtol=1e-5
    )
