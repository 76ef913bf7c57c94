"""The command that predicts with a saved net."""

from __future__ import annotations

import sys

from sknn_mnist.cli._arguments import Predict
from sknn_mnist.cli._errors import CommandError, expecting, tell
from sknn_mnist.cli._inputs import as_fitted_on, load_data, load_images, load_net

__all__ = ["run_predict"]


def run_predict(asked: Predict) -> None:
    """Predict labels with a saved net, as CSV."""
    from sknn_mnist.cli._labels import predictions
    from sknn_mnist.cli._outputs import check_writable, write_text

    if asked.images and not asked.data.is_default:
        raise CommandError(
            "--images can't be combined with --dataset, --data or --download", 2
        )
    out = check_writable(asked.out) if asked.out else None
    with expecting():
        net = load_net(asked.load, asked.model)
    if asked.images:
        with expecting():
            X, labels = load_images(asked.images, net), None
    else:
        data = load_data(asked.data)
        X, labels = as_fitted_on(net, data.X_test), data.y_test
    with expecting():
        table = predictions(net, X, labels)
    if out is None:
        _check_printable(table)
        print(table, end="")
        return
    write_text(out, table)
    tell(f"written: {out}")


def _check_printable(table: str) -> None:
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        table.encode(encoding)
    except UnicodeEncodeError as err:
        raise CommandError(
            f"standard output is {encoding}, which can't hold "
            f"{table[err.start : err.end]!r}: give --out FILE.csv, which is UTF-8"
        ) from err
