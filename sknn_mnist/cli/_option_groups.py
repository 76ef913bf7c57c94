"""Options that several commands share: data, network, memory, a saved net."""

from __future__ import annotations

import argparse

from sknn_mnist.cli import _network_options as options
from sknn_mnist.cli._option_values import read_path, read_positive, read_seed

__all__ = ["add_data", "add_load", "add_memory", "add_model"]


def add_data(parser: argparse.ArgumentParser, training: bool) -> None:
    group = parser.add_argument_group("data")
    group.add_argument(
        "--dataset",
        choices=["auto", "mnist", "digits"],
        default="auto",
        help="auto (the default) is MNIST where it is at hand, else scikit-learn's "
        "bundled digits in MNIST's shape; standard error says which",
    )
    group.add_argument(
        "--data",
        type=read_path,
        metavar="PATH",
        help="where MNIST is: mnist.npz, or a folder with it or the IDX files",
    )
    group.add_argument(
        "--download",
        action="store_true",
        help="fetch MNIST if it is not at hand; nothing is downloaded otherwise",
    )
    if training:
        group.add_argument(
            "--train-size",
            type=read_positive,
            metavar="N",
            help="use the first N training rows only",
        )


def add_model(parser: argparse.ArgumentParser, several: bool) -> None:
    group = parser.add_argument_group(
        "network", "one or more values each" if several else None
    )
    group.add_argument(
        "--model",
        choices=list(options.MODELS),
        default="dense",
        help="dense (the default) or convolutional (cnn)",
    )
    options.add_options(group, several)
    parser.add_argument(
        "--random-state",
        type=read_seed,
        default=0,
        metavar="SEED",
        help="seed of weights, order of rows and dropout (default 0)",
    )


def add_memory(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--memory",
        type=read_path,
        metavar="DIR",
        help="keep each epoch's training state in this folder, and go on from the "
        f"states of the same training (default: {default})",
    )


def add_load(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--load",
        type=read_path,
        required=True,
        metavar="PATH",
        help="a net that `sknn-mnist fit --save` or an estimator's `save` wrote; "
        "loading it runs no code",
    )
