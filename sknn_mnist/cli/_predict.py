"""The command that predicts with a saved net."""

from __future__ import annotations

import sys

from sknn_mnist.cli._arguments import Predict
from sknn_mnist.cli._errors import CommandError, expecting, tell
from sknn_mnist.cli._nets import load_net

__all__ = ["run_predict"]


def run_predict(asked: Predict) -> None:
    """Predict labels with a saved net, as CSV."""
    from sknn_mnist.cli._images import Images, load_images
    from sknn_mnist.cli._labels import outputs_of, predictions
    from sknn_mnist.cli._outputs import check_writable, write_text
    from sknn_mnist.cli._test_rows import test_rows

    if asked.images and not asked.data.is_default:
        raise CommandError(
            "--images can't be combined with --dataset, --data, --download, --target, "
            "--test-data or --test-size",
            2,
        )
    out = check_writable(asked.out) if asked.out else None
    with expecting():
        net = load_net(asked.load, asked.model)
    labels = None
    if asked.images:
        with expecting():
            images = load_images(asked.images, net, asked.data.reading)
    else:
        X, data = test_rows(net, asked.data)
        images, labels = Images(iter([X]), data.files), data.y_test
    with expecting():
        outputs = outputs_of(net, images.blocks)
        table = predictions(net, outputs, images.names, labels)
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
