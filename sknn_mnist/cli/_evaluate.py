"""The command that tests a saved net."""

from __future__ import annotations

from sknn_mnist.cli._arguments import Evaluate
from sknn_mnist.cli._errors import expecting
from sknn_mnist.cli._nets import load_net

__all__ = ["run_evaluate"]


def run_evaluate(asked: Evaluate) -> None:
    """Test a saved net, class by class."""
    import numpy as np
    from sklearn.metrics import classification_report

    from sknn_mnist.cli._labels import comparable
    from sknn_mnist.cli._test_rows import test_rows

    with expecting():
        net = load_net(asked.load, asked.model)
    X, data = test_rows(net, asked.data)
    known = np.union1d(data.y_train, data.y_test)
    with expecting():
        y, predicted = comparable(
            net, net.predict(X), data.y_test, known, data.name, some=data.is_own
        )
    # Where rows have several labels, all of them have to be right.
    right = (predicted == y).reshape(len(y), -1).all(axis=1)
    print(f"test accuracy: {right.mean():.4f} (on {data.test})\n")
    report = classification_report(y, predicted, digits=4, zero_division=0)
    print(report.rstrip())
