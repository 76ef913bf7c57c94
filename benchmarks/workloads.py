"""One workload of `compare.py` by one library, in this process: a line of JSON.

    python benchmarks/workloads.py CASE LIBRARY --data mnist.npz [--rows N] [--n-jobs N]

Every library trains the same nets, by Adam on batches of 128, on the same folds. With
`--n-jobs` a search's fits run side by side: this package's in threads, which is what
its documentation advises, the others' in the worker processes of joblib's own default,
loky, which is what their users get.
"""

from __future__ import annotations

import argparse
import atexit
import json
import resource
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from itertools import product
from typing import Any

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, StratifiedKFold

OURS = ("sknn_mnist", "memory-process", "memory-folder", "own", "own-memory")
BATCH = 128
EPOCHS, HIDDEN = [1, 5, 10], [32, 64, 256]
LONG_EPOCHS = [5, 10, 20, 50]
CNN_GRID = {"epochs": [1, 3], "filters": [8, 32], "dropout": [0.0, 0.25]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("library")
    parser.add_argument("--data", required=True)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--n-jobs", type=int, default=1)
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    with np.load(args.data) as stored:
        X, X_test = (_pixels(stored[name]) for name in ("x_train", "x_test"))
        y, y_test = (stored[name].astype(np.int64) for name in ("y_train", "y_test"))
    backend = "threading" if args.library in OURS else "loky"
    with joblib.parallel_config(backend, n_jobs=args.n_jobs):  # of GridSearchCV
        result = CASES[args.case](args.library, X, y, X_test, y_test, args.rows)
    result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(result))


def _pixels(images: np.ndarray) -> np.ndarray:
    pixels = images.reshape(len(images), -1).astype(np.float32)
    pixels /= 255
    return pixels


# -- the cases ------------------------------------------------------------------------


def dense_grid(library: str, X: Any, y: Any, *test: Any) -> dict[str, Any]:
    """(a), (e): epochs × hidden size over three folds."""
    rows = test[-1] or 10_000
    X, y = X[:rows], y[:rows]
    if library == "floor":
        return _floor(X, y)
    estimator, names = DENSE[library]()
    sizes = [(h,) for h in HIDDEN] if library == "mlp" else HIDDEN
    return _search(
        estimator, {names["epochs"]: EPOCHS, names["hidden_size"]: sizes}, X, y
    )


def long_grid(library: str, X: Any, y: Any, *test: Any) -> dict[str, Any]:
    """(g): the dense grid with epochs [5, 10, 20, 50]."""
    estimator, names = DENSE[library]()
    grid = {names["epochs"]: LONG_EPOCHS, names["hidden_size"]: HIDDEN}
    return _search(estimator, grid, X[:10_000], y[:10_000])


def cnn_grid(library: str, X: Any, y: Any, *test: Any) -> dict[str, Any]:
    """(b): epochs × filters × dropout over three folds."""
    X, y = X[:6000].reshape(-1, 28, 28, 1), y[:6000]
    estimator, names = CNN[library]()
    return _search(estimator, {names[name]: v for name, v in CNN_GRID.items()}, X, y)


def tiny(library: str, *_: Any) -> dict[str, Any]:
    """(c): 100 fits and predicts of one epoch on 8×8 digits; after the first."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    estimator, names = DENSE[library]()
    estimator.set_params(**{names["epochs"]: 1})
    seconds, accuracy = [], []
    for _ in range(101):
        start = time.perf_counter()
        accuracy.append(np.mean(estimator.fit(X, y).predict(X) == y))
        seconds.append(time.perf_counter() - start)
    return {
        "seconds": sum(seconds[1:]),
        "first": seconds[0],
        "accuracy": float(np.mean(accuracy)),
    }


def full_dense(library: str, X: Any, y: Any, *test: Any) -> dict[str, Any]:
    """(d): one dense fit of 10 epochs on all rows."""
    return _full(DENSE, library, 10, X, y, *test)


def full_cnn(library: str, X: Any, y: Any, *test: Any) -> dict[str, Any]:
    """(d): one epoch of the tiny CNN on all rows."""
    X_test, y_test, rows = test
    X, X_test = X.reshape(-1, 28, 28, 1), X_test.reshape(-1, 28, 28, 1)
    return _full(CNN, library, 1, X, y, X_test, y_test, rows)


CASES: dict[str, Callable[..., dict[str, Any]]] = {
    "dense-grid": dense_grid,
    "long-grid": long_grid,
    "cnn-grid": cnn_grid,
    "tiny": tiny,
    "full-dense": full_dense,
    "full-cnn": full_cnn,
}


def _search(estimator: Any, grid: Any, X: Any, y: Any) -> dict[str, Any]:
    folds = list(StratifiedKFold(3).split(X, y))
    search = GridSearchCV(
        estimator,
        grid,
        cv=folds,
        scoring="accuracy",
        return_train_score=True,
        refit=False,
    )
    start = time.perf_counter()
    search.fit(X, y)
    return {
        "seconds": time.perf_counter() - start,
        "accuracy": float(search.cv_results_["mean_test_score"].mean()),
    }


def _full(
    of: Any, library: str, epochs: int, X: Any, y: Any, X_test: Any, y_test: Any, _: Any
) -> dict[str, Any]:
    if library == "keras":
        from sknn_mnist.builders import build_cnn, build_dense

        network = build_dense(seed=0) if of is DENSE else build_cnn(seed=0)
        network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        start = time.perf_counter()
        network.fit(X, y, batch_size=BATCH, epochs=epochs, verbose=0)
        seconds = time.perf_counter() - start
        predicted = network.predict(X_test, batch_size=2048, verbose=0).argmax(axis=1)
    else:
        estimator, names = of[library]()
        estimator.set_params(**{names["epochs"]: epochs})
        start = time.perf_counter()
        estimator.fit(X, y)
        seconds = time.perf_counter() - start
        predicted = estimator.predict(X_test)
    return {"seconds": seconds, "accuracy": float(np.mean(predicted == y_test))}


def _floor(X: Any, y: Any) -> dict[str, Any]:
    """(f): the matrix products of the dense grid alone, in training and scoring."""
    rng = np.random.default_rng(0)
    folds = list(StratifiedKFold(3).split(X, y))
    seconds = 0.0
    for (train, test), epochs, hidden in product(folds, EPOCHS, HIDDEN):
        x_train, x_test = X[train], X[test]
        first = rng.standard_normal((784, hidden), dtype=np.float32)
        second = rng.standard_normal((hidden, 10), dtype=np.float32)
        start = time.perf_counter()
        for _ in range(epochs):
            for begin in range(0, len(x_train), BATCH):
                x = x_train[begin : begin + BATCH]
                h = x @ first
                out = h @ second
                h.T @ out  # gradient of the second kernel
                x.T @ (out @ second.T)  # and of the first
        for x in (x_train, x_test):
            x @ first @ second
        seconds += time.perf_counter() - start
    return {"seconds": seconds, "accuracy": float("nan")}


# -- the libraries --------------------------------------------------------------------

SAME = {"epochs": "epochs", "hidden_size": "hidden_size"}


def _ours_dense(memory: str | None = None) -> tuple[Any, dict[str, str]]:
    from sknn_mnist import DenseClassifier

    return DenseClassifier(memory=memory, random_state=0), SAME


def _ours_dense_in_process() -> tuple[Any, dict[str, str]]:
    return _ours_dense(":memory:")


def _ours_dense_in_folder() -> tuple[Any, dict[str, str]]:
    folder = tempfile.mkdtemp(prefix="sknn-mnist-")  # empty: nothing is found at first
    atexit.register(shutil.rmtree, folder)
    return _ours_dense(folder)


def make_model(optimizer: str = "adam", hidden_size: int = 32) -> Any:
    """Return the slide's network, as a user of any wrapper writes it."""
    import keras

    model = keras.Sequential(
        [
            keras.layers.Input((784,)),
            keras.layers.Dense(hidden_size, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=optimizer,
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def _own(memory: str | None = None) -> tuple[Any, dict[str, str]]:
    from sknn_mnist import KerasClassifier

    return KerasClassifier(make_model, memory=memory, random_state=0), SAME


def _own_in_process() -> tuple[Any, dict[str, str]]:
    return _own(":memory:")


def _own_by_scikeras() -> tuple[Any, dict[str, str]]:
    names = {"epochs": "epochs", "hidden_size": "model__hidden_size"}
    return _scikeras(make_model, model__hidden_size=32), names


def _ours_cnn() -> tuple[Any, dict[str, str]]:
    from sknn_mnist import CNNClassifier

    return CNNClassifier(random_state=0), {name: name for name in CNN_GRID}


def _scikeras_dense() -> tuple[Any, dict[str, str]]:
    from sknn_mnist.builders import build_dense

    def model(meta: Any, hidden_size: int = 32) -> Any:
        return build_dense((meta["n_features_in_"],), hidden_size=hidden_size)

    names = {"epochs": "epochs", "hidden_size": "model__hidden_size"}
    return _scikeras(model, model__hidden_size=32), names


def _scikeras_cnn() -> tuple[Any, dict[str, str]]:
    from sknn_mnist.builders import build_cnn

    def model(filters: Any = (32, 32), dropout: float = 0.0) -> Any:
        return build_cnn(filters=filters, dropout=dropout)

    names = {
        "epochs": "epochs",
        "filters": "model__filters",
        "dropout": "model__dropout",
    }
    return _scikeras(model, model__filters=(32, 32), model__dropout=0.0), names


def _scikeras(model: Any, **parameters: Any) -> Any:
    from scikeras.wrappers import KerasClassifier

    return KerasClassifier(
        model=model,
        loss="sparse_categorical_crossentropy",
        optimizer="adam",
        metrics=["accuracy"],
        batch_size=BATCH,
        verbose=0,
        random_state=0,
        **parameters,
    )


def _mlp() -> tuple[Any, dict[str, str]]:
    from sklearn.neural_network import MLPClassifier

    # No early end: as many epochs as the others, and no weight decay.
    mlp = MLPClassifier(
        (32,), batch_size=BATCH, alpha=0, n_iter_no_change=1000, random_state=0
    )
    return mlp, {"epochs": "max_iter", "hidden_size": "hidden_layer_sizes"}


def _skorch_dense() -> tuple[Any, dict[str, str]]:
    from torch import nn

    class Dense(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, hidden_size: int = 32) -> None:
            super().__init__()
            self.layers = nn.Sequential(
                nn.LazyLinear(hidden_size), nn.ReLU(), nn.Linear(hidden_size, 10)
            )

        def forward(self, x: Any) -> Any:
            return self.layers(x)

    names = {"epochs": "max_epochs", "hidden_size": "module__hidden_size"}
    return _skorch(Dense, module__hidden_size=32), names


def _skorch_cnn() -> tuple[Any, dict[str, str]]:
    from torch import nn

    class CNN(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, filters: Any = (32, 32), dropout: float = 0.0) -> None:
            super().__init__()
            blocks: list[Any] = []
            for width in [filters] if isinstance(filters, int) else filters:
                blocks += [nn.LazyConv2d(width, 3), nn.ReLU(), nn.MaxPool2d(2)]
            self.layers = nn.Sequential(
                *blocks,
                nn.Flatten(),
                *(nn.LazyLinear(64), nn.ReLU(), nn.Dropout(dropout)),
                nn.Linear(64, 10),
            )

        def forward(self, x: Any) -> Any:
            return self.layers(x.permute(0, 3, 1, 2))

    names = {
        "epochs": "max_epochs",
        "filters": "module__filters",
        "dropout": "module__dropout",
    }
    return _skorch(CNN, module__filters=(32, 32), module__dropout=0.0), names


def _skorch(module: Any, **parameters: Any) -> Any:
    import torch
    from skorch import NeuralNetClassifier

    torch.manual_seed(0)
    return NeuralNetClassifier(
        module,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=0.001,
        batch_size=BATCH,
        iterator_train__shuffle=True,
        train_split=None,
        classes=np.arange(10),
        verbose=0,
        **parameters,
    )


DENSE = {
    "sknn_mnist": _ours_dense,
    "memory-process": _ours_dense_in_process,
    "memory-folder": _ours_dense_in_folder,
    "own": _own,
    "own-memory": _own_in_process,
    "own-scikeras": _own_by_scikeras,
    "scikeras": _scikeras_dense,
    "mlp": _mlp,
    "skorch": _skorch_dense,
}
CNN = {"sknn_mnist": _ours_cnn, "scikeras": _scikeras_cnn, "skorch": _skorch_cnn}

if __name__ == "__main__":
    main()
