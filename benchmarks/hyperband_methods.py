"""One search of `hyperband.py` by one method, in this process: a line of JSON.

    python benchmarks/hyperband_methods.py METHOD --data mnist.npz [--seed 0]

All methods draw from the same ranges, and train the same net by Adam; all but Keras
Tuner's judge by the mean over the same three folds. When the search is over and
its clock stopped, the best is trained on all rows for its number of epochs, by the
library that searched; and so is each candidate that was the best for a time.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import (
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_score,
)

from sknn_mnist import DenseClassifier
from sknn_mnist.model_selection import HyperbandSearchCV, Range
from sknn_mnist.model_selection._brackets import brackets_of

ROWS, FOLDS, FACTOR = 6000, 3, 3
BATCH_SIZES = [32, 64, 128, 256]
SPACE = {
    "hidden_size": Range(16, 512, log=True),
    "dropout": Range(0.0, 0.5),
    "learning_rate": Range(1e-4, 1e-1, log=True),
    "batch_size": BATCH_SIZES,
    "batch_norm": [False, True],
}


class Data(NamedTuple):
    """MNIST, as much of it as is searched on."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


class Best(NamedTuple):
    """A candidate with its epochs, and the seconds after which it was the best."""

    seconds: float
    params: dict[str, Any]


class Found(NamedTuple):
    """What a search came to."""

    seconds: float
    cpu_seconds: float
    n_candidates: int
    n_epochs: int  # trained, in all folds
    n_folds: int
    course: list[Best]  # the best so far; the last is the search's own choice
    refit: Callable[[dict[str, Any]], float]  # its accuracy on the test images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("--data", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-epochs", type=int, default=27)
    args = parser.parse_args()
    with np.load(args.data) as stored:
        data = Data(
            pixels(stored["x_train"][:ROWS]),
            stored["y_train"][:ROWS],
            pixels(stored["x_test"]),
            stored["y_test"],
        )
    found = METHODS[args.method](data, args.seed, args.max_epochs)
    course = [
        {**best._asdict(), "accuracy": found.refit(best.params)}
        for best in found.course
    ]
    result = {
        "seconds": found.seconds,
        "cpu_seconds": found.cpu_seconds,
        "candidates": found.n_candidates,
        "epochs": found.n_epochs,
        # What it would be to train all of its candidates to the end.
        "full": found.n_candidates * args.max_epochs * found.n_folds,
        "accuracy": course[-1]["accuracy"],
        "course": course,
    }
    print(json.dumps(result))


def pixels(images: np.ndarray) -> np.ndarray:
    """Return images as rows of pixels in [0, 1]."""
    return (images / np.float32(255)).reshape(len(images), -1)


def budget_of(max_epochs: int) -> int:
    """Return the epochs of all of Hyperband's rungs, each from scratch, in one fold."""
    rungs = [rung for each in brackets_of(max_epochs, FACTOR) for rung in each.rungs]
    return sum(rung.n_candidates * rung.n_epochs for rung in rungs)


def n_random(max_epochs: int) -> int:
    """Return how many candidates take the same epochs, all of them to the end."""
    return round(budget_of(max_epochs) / max_epochs)


def n_wide(max_epochs: int) -> int:
    """Return how many candidates take the same epochs in one bracket by halving."""
    return budget_of(max_epochs) // len(brackets_of(max_epochs, FACTOR))


class Clock:
    """The time since it was made: by the wall, and of this process on all cores."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._wall

    @property
    def cpu_seconds(self) -> float:
        return time.process_time() - self._cpu


# -- the searches of this package's nets ----------------------------------------------


class Watch:
    """A scorer that notes what was trained, and when which candidate was the best."""

    def __init__(self) -> None:
        self.n_epochs = 0
        self.course: list[Best] = []
        self._folds: list[float] = []
        self._best = -np.inf
        self._clock = Clock()

    def __call__(self, net: DenseClassifier, X: np.ndarray, y: np.ndarray) -> float:
        score = net.score(X, y)
        self.n_epochs += net.n_iter_ - net.initial_epoch_
        # In one process a candidate's folds come one after the other.
        self._folds.append(score)
        if len(self._folds) == FOLDS:
            mean = float(np.mean(self._folds))
            self._folds = []
            if mean > self._best:
                self._best = mean
                names = [*SPACE, "epochs"]
                params = {name: getattr(net, name) for name in names}
                self.course.append(Best(self._clock.seconds, params))
        return score

    def found(
        self, params: dict[str, Any], n_candidates: int, data: Data, seed: int
    ) -> Found:
        seconds, cpu = self._clock.seconds, self._clock.cpu_seconds

        def refit(params: dict[str, Any]) -> float:
            net = DenseClassifier(random_state=seed, **params).fit(data.X, data.y)
            return net.score(data.X_test, data.y_test)

        course = [*self.course, Best(seconds, params)]
        return Found(seconds, cpu, n_candidates, self.n_epochs, FOLDS, course, refit)


def hyperband(data: Data, seed: int, max_epochs: int) -> Found:
    """Ours."""
    watch = Watch()
    search = HyperbandSearchCV(
        DenseClassifier(random_state=seed),
        SPACE,
        max_epochs=max_epochs,
        factor=FACTOR,
        cv=StratifiedKFold(FOLDS),
        scoring=watch,
        refit=False,
        random_state=seed,
    ).fit(data.X, data.y)
    best = search.cv_results_["params"][search.best_index_]
    return watch.found(best, search.n_candidates_, data, seed)


def _halving(
    data: Data, seed: int, max_epochs: int, n_candidates: Any, memory: str | None
) -> Found:
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingRandomSearchCV

    watch = Watch()
    search = HalvingRandomSearchCV(
        DenseClassifier(memory=memory, random_state=seed),
        SPACE,
        n_candidates=n_candidates,
        factor=FACTOR,
        resource="epochs",
        min_resources=1,
        max_resources=max_epochs,
        return_train_score=False,  # as of the others
        cv=StratifiedKFold(FOLDS),
        scoring=watch,
        refit=False,
        random_state=seed,
    ).fit(data.X, data.y)
    best = search.cv_results_["params"][search.best_index_]
    return watch.found(best, search.n_candidates_[0], data, seed)


def halving(data: Data, seed: int, max_epochs: int) -> Found:
    """Scikit-learn's: as many candidates as its default gives, from scratch."""
    return _halving(data, seed, max_epochs, "exhaust", None)


def halving_memory(data: Data, seed: int, max_epochs: int) -> Found:
    """The same by nets that go on."""
    with tempfile.TemporaryDirectory() as memory:
        return _halving(data, seed, max_epochs, "exhaust", memory)


def halving_wide(data: Data, seed: int, max_epochs: int) -> Found:
    """By nets that go on, with as many epochs as Hyperband's rungs have."""
    with tempfile.TemporaryDirectory() as memory:
        return _halving(data, seed, max_epochs, n_wide(max_epochs), memory)


def random(data: Data, seed: int, max_epochs: int) -> Found:
    """Scikit-learn's, all candidates to the end."""
    watch = Watch()
    search = RandomizedSearchCV(
        DenseClassifier(epochs=max_epochs, random_state=seed),
        SPACE,
        n_iter=n_random(max_epochs),
        cv=StratifiedKFold(FOLDS),
        scoring=watch,
        refit=False,
        random_state=seed,
    ).fit(data.X, data.y)
    params = {**search.best_params_, "epochs": max_epochs}
    return watch.found(params, n_random(max_epochs), data, seed)


def optuna(data: Data, seed: int, max_epochs: int) -> Found:
    """Optuna's TPE and its HyperbandPruner, which see the folds' mean at each rung."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    brackets = brackets_of(max_epochs, FACTOR)
    rungs = [rung.n_epochs for rung in brackets[0].rungs]
    n_trials = sum(each.n_candidates for each in brackets)
    watch = Watch()

    def suggested(trial: Any) -> dict[str, Any]:
        return {
            "hidden_size": trial.suggest_int("hidden_size", 16, 512, log=True),
            "dropout": trial.suggest_float("dropout", 0.0, 0.5),
            "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True),
            "batch_size": trial.suggest_categorical("batch_size", BATCH_SIZES),
            "batch_norm": trial.suggest_categorical("batch_norm", [False, True]),
        }

    with tempfile.TemporaryDirectory() as memory:

        def objective(trial: Any) -> float:
            params = suggested(trial)
            for epochs in rungs:
                net = DenseClassifier(
                    epochs=epochs, memory=memory, random_state=seed, **params
                )
                cv = StratifiedKFold(FOLDS)
                scores = cross_val_score(net, data.X, data.y, cv=cv, scoring=watch)
                trial.report(scores.mean(), epochs)
                if epochs < rungs[-1] and trial.should_prune():
                    raise optuna.TrialPruned
            return float(scores.mean())

        study = optuna.create_study(
            study_name=f"seed {seed}",  # which HyperbandPruner goes by
            direction="maximize",
            sampler=optuna.samplers.TPESampler(seed=seed),
            pruner=optuna.pruners.HyperbandPruner(
                min_resource=1, max_resource=max_epochs, reduction_factor=FACTOR
            ),
        )
        study.optimize(objective, n_trials=n_trials)
    params = {**study.best_params, "epochs": rungs[-1]}
    return watch.found(params, n_trials, data, seed)


# -- Keras Tuner ----------------------------------------------------------------------


def keras_tuner(data: Data, seed: int, max_epochs: int) -> Found:
    """Keras Tuner's Hyperband: one split, a third of the rows held out."""
    import keras
    import keras_tuner

    n_epochs, best_score = 0, -np.inf
    course: list[Best] = []

    class Dense(keras_tuner.HyperModel):  # type: ignore[misc]
        def build(self, hp: Any) -> Any:
            hp.Choice("batch_size", BATCH_SIZES)
            size = hp.Int("hidden_size", 16, 512, sampling="log")
            layers = [
                keras.layers.Input((data.X.shape[1],)),
                keras.layers.Dense(size, activation="relu"),
            ]
            if hp.Boolean("batch_norm"):
                layers.append(keras.layers.BatchNormalization())
            layers.append(keras.layers.Dropout(hp.Float("dropout", 0.0, 0.5)))
            layers.append(keras.layers.Dense(10, activation="softmax"))
            rate = hp.Float("learning_rate", 1e-4, 1e-1, sampling="log")
            model = keras.Sequential(layers)
            model.compile(
                keras.optimizers.Adam(rate),
                "sparse_categorical_crossentropy",
                metrics=["accuracy"],
            )
            return model

        def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal n_epochs, best_score
            batch_size = hp.get("batch_size")
            history = model.fit(*args, batch_size=batch_size, **kwargs)
            n_epochs += len(history.epoch)
            score = max(history.history["val_accuracy"])
            if score > best_score:
                best_score = score
                course.append(Best(clock.seconds, _params_of(hp)))
            return history

    def _params_of(hp: Any) -> dict[str, Any]:
        return {**{name: hp.get(name) for name in SPACE}, "epochs": hp["tuner/epochs"]}

    def refit(params: dict[str, Any]) -> float:
        keras.utils.set_random_seed(seed)
        hp = keras_tuner.HyperParameters()
        hp.values = dict(params)
        model = Dense().build(hp)
        model.fit(
            data.X,
            data.y,
            batch_size=params["batch_size"],
            epochs=params["epochs"],
            verbose=0,
        )
        predicted = model.predict(data.X_test, verbose=0).argmax(axis=1)
        return float(np.mean(predicted == data.y_test))

    keras.utils.set_random_seed(seed)
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        tuner = keras_tuner.Hyperband(
            Dense(),
            objective="val_accuracy",
            max_epochs=max_epochs,
            factor=FACTOR,
            seed=seed,
            directory=folder,
        )
        tuner.search(data.X, data.y, validation_split=1 / FOLDS, verbose=0)
        seconds, cpu = clock.seconds, clock.cpu_seconds
        best = tuner.get_best_hyperparameters()[0]
        trials = tuner.oracle.trials.values()
        # A candidate that goes on is a trial anew.
        n_candidates = sum(
            "tuner/trial_id" not in trial.hyperparameters.values for trial in trials
        )
    course.append(Best(seconds, _params_of(best)))
    return Found(seconds, cpu, n_candidates, n_epochs, 1, course, refit)


METHODS: dict[str, Callable[[Data, int, int], Found]] = {
    "hyperband": hyperband,
    "halving": halving,
    "halving-memory": halving_memory,
    "halving-wide": halving_wide,
    "random": random,
    "optuna": optuna,
    "keras-tuner": keras_tuner,
}

if __name__ == "__main__":
    main()
