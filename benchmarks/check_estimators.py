"""How many of scikit-learn's checks each library's estimators pass.

    python benchmarks/check_estimators.py

Runs `sklearn.utils.estimator_checks.check_estimator` on this package's estimators,
scikit-learn's MLP, SciKeras and skorch (those that are installed; skorch needs
torch: the extra `bench`), and prints a markdown table. Some minutes.
"""

from __future__ import annotations

import argparse
import importlib.util
import warnings
from collections import Counter
from typing import Any

import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.estimator_checks import check_estimator

LONGER = {"epochs": 150, "learning_rate": 0.01}


def ours() -> list[Any]:
    from sknn_mnist import (
        CNNClassifier,
        CNNRegressor,
        DenseClassifier,
        DenseRegressor,
    )

    each = [DenseClassifier, DenseRegressor, CNNClassifier, CNNRegressor]
    return [estimator(**LONGER) for estimator in each] + [
        estimator(dtype="float64", **LONGER) for estimator in each
    ]


def scikeras() -> list[Any]:
    from scikeras.wrappers import KerasClassifier, KerasRegressor

    return [
        KerasClassifier(_scikeras_classifier, epochs=150, verbose=0),
        KerasRegressor(_scikeras_regressor, epochs=150, verbose=0),
    ]


def _scikeras_classifier(meta: dict[str, Any]) -> Any:
    return _scikeras_net(meta, meta["n_classes_"], "softmax", _sparse_loss)


def _scikeras_regressor(meta: dict[str, Any]) -> Any:
    return _scikeras_net(meta, 1, None, "mean_squared_error")


_sparse_loss = "sparse_categorical_crossentropy"


def _scikeras_net(meta: dict[str, Any], units: int, activation: Any, loss: str) -> Any:
    import keras

    net = keras.Sequential(
        [
            keras.layers.Input(shape=(meta["n_features_in_"],)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(units, activation=activation),
        ]
    )
    net.compile(loss=loss, optimizer=keras.optimizers.Adam(0.01))
    return net


def skorch() -> list[Any]:
    import torch
    from skorch import NeuralNetClassifier, NeuralNetRegressor

    class Net(torch.nn.Module):
        def __init__(self, units: int) -> None:
            super().__init__()
            self.hidden = torch.nn.LazyLinear(32)
            self.output = torch.nn.LazyLinear(units)

        def forward(self, X: Any) -> Any:
            return self.output(torch.relu(self.hidden(X)))

    common = {"lr": 0.01, "max_epochs": 150, "verbose": 0, "train_split": None}
    return [
        NeuralNetClassifier(
            Net,
            module__units=3,
            criterion=torch.nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            **common,
        ),
        NeuralNetRegressor(Net, module__units=1, optimizer=torch.optim.Adam, **common),
    ]


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    warnings.simplefilter("ignore")
    print(f"scikit-learn {sklearn.__version__}\n")
    print("| estimator | passed | failed | skipped by scikit-learn |")
    print("| --- | ---: | ---: | ---: |")
    groups = [ours, lambda: [MLPClassifier(), MLPRegressor()]]
    groups += [
        group
        for name, group in (("scikeras", scikeras), ("skorch", skorch))
        if importlib.util.find_spec(name)
    ]
    for group in groups:
        for estimator in group():
            results = check_estimator(estimator, on_skip=None, on_fail=None)
            count = Counter(each["status"] for each in results)
            name = f"{type(estimator).__module__.split('.')[0]} "
            name += type(estimator).__name__
            if estimator.get_params().get("dtype") == "float64":
                name += '(dtype="float64")'
            print(
                f"| {name} | {count['passed']} | {count['failed']} "
                f"| {count['skipped']} |",
                flush=True,
            )
            for each in results:
                if each["status"] == "failed" and group is ours:
                    print(f"|  failed: {each['check_name']} | | | |", flush=True)


if __name__ == "__main__":
    main()
