"""Options of the command line that stand for parameters of the estimators.

One table says what an option is called, how its values are read and which models
know it; nothing here imports more than the standard library.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sknn_mnist.cli._arguments import Network, Place
from sknn_mnist.cli._option_values import (
    read_augmentation,
    read_bool,
    read_ints,
    read_layers,
    read_rate,
    read_rescaling,
    read_seed,
)
from sknn_mnist.cli._own_options import read_model, read_setting, read_settings

__all__ = [
    "DEFAULT_GRIDS",
    "MODELS",
    "OPTIONS",
    "OWN_GRID",
    "add_network",
    "default_grid",
    "flag_of",
    "network_from",
    "typed_as",
]

MODELS = {"dense": "DenseClassifier", "cnn": "CNNClassifier"}

# What a search covers when no option says otherwise: the grids of the lesson.
DEFAULT_GRIDS: dict[str, dict[str, list[Any]]] = {
    "dense": {"epochs": [1, 5, 10], "hidden_size": [32, 64, 256]},
    "cnn": {"epochs": [1, 3], "filters": [8, 32]},
}
OWN_GRID: dict[str, list[Any]] = {"epochs": [1, 5, 10]}


@dataclass(frozen=True)
class Option:
    """An option: the parameter it stands for, and how its values are read."""

    name: str
    read: Callable[[str], Any]
    metavar: str
    help: str
    models: tuple[str, ...] = tuple(MODELS)
    of_training: bool = False  # and so of networks of the user's own as well

    @property
    def flag(self) -> str:
        return flag_of(self.name)


OPTIONS = (
    Option("epochs", int, "N", "passes over the training rows", of_training=True),
    Option(
        "hidden_size",
        read_layers,
        "N[,N...]",
        "units of the hidden dense layer, or of each joined by commas (1024,1024), "
        "or none",
    ),
    Option(
        "filters",
        read_ints,
        "N[,N...]",
        "filters of the convolution, or of each joined by commas (32,32); cnn only",
        ("cnn",),
    ),
    Option(
        "kernel_size",
        read_ints,
        "N[,N]",
        "side of the kernels, or height,width; cnn only",
        ("cnn",),
    ),
    Option(
        "pool_size",
        read_ints,
        "N[,N]",
        "side of the max pooling, or height,width; cnn only",
        ("cnn",),
    ),
    Option("dropout", float, "RATE", "fraction of hidden outputs dropped, in [0, 1)"),
    Option("batch_norm", read_bool, "BOOL", "batch normalisation: true or false"),
    Option(
        "activation", str, "NAME", "activation of the hidden layers: relu, tanh ..."
    ),
    Option(
        "augmentation",
        read_augmentation,
        "NAME[,NAME...]",
        "how training images are changed at random: translation, rotation, zoom, flip, "
        "contrast, brightness, or several joined by commas, or none; cnn only",
        ("cnn",),
    ),
    Option(
        "rescaling",
        read_rescaling,
        "FACTOR",
        "by what the net's first layer multiplies pixels (1/255), or none; auto, the "
        "default, is 1/255 for pixels of 8 bits",
    ),
    Option(
        "optimizer",
        str,
        "NAME",
        "Keras optimizer: adam, sgd, rmsprop ...",
        of_training=True,
    ),
    Option(
        "learning_rate",
        read_rate,
        "RATE",
        "learning rate, or none for the optimizer's own",
        of_training=True,
    ),
    Option("batch_size", int, "N", "rows per step of the optimizer", of_training=True),
)


def add_network(parser: argparse.ArgumentParser, several: bool) -> None:
    """Add the options that `network_from` reads.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Of a command.
    several : bool
        Whether each parameter takes one or more values, to search over, or a single
        one.
    """
    group = parser.add_argument_group(
        "network", "one or more values each" if several else None
    )
    group.add_argument(
        "--model",
        type=_read_model,
        default="dense",
        metavar="MODEL",
        help="dense (the default), convolutional (cnn), or a function of your own that "
        "makes networks: FILE.py:FUNCTION, or package.module:FUNCTION as the current "
        "folder or the installation has it. The file or module is imported, which "
        "runs it",
    )
    for option in OPTIONS:
        group.add_argument(
            option.flag,
            dest=option.name,
            type=option.read,
            metavar=option.metavar,
            nargs="+" if several else None,
            help=option.help,
        )
    group.add_argument(
        "--set",
        dest="settings",
        type=read_settings if several else read_setting,
        action="append",
        default=[],
        metavar="NAME=VALUE[,VALUE...]" if several else "NAME=VALUE",
        help="a parameter of a network of your own: a keyword of the function, or "
        "another of KerasClassifier's (optimizer__momentum); may be given several "
        "times. Values are Python's (32, 0.5, True, None, (32,32)), or else text",
    )
    parser.add_argument(
        "--random-state",
        type=read_seed,
        default=0,
        metavar="SEED",
        help="seed of weights, order of rows and dropout (default 0)",
    )


def flag_of(name: str) -> str:
    """Return the option that stands for a parameter."""
    return "--" + name.replace("_", "-")


def typed_as(name: str, model: str | Place) -> str:
    """Return how a parameter of a model is given."""
    is_setting = isinstance(model, Place) and not any(
        option.name == name and option.of_training for option in OPTIONS
    )
    return f"--set {name}" if is_setting else flag_of(name)


def default_grid(model: str | Place) -> dict[str, list[Any]]:
    """Return what a search over a model covers when no option says otherwise."""
    return OWN_GRID if isinstance(model, Place) else DEFAULT_GRIDS[model]


def _read_model(text: str) -> str | Place:
    return read_model(text, MODELS)


def network_from(args: argparse.Namespace) -> Network:
    """Return which network was asked for."""
    values = {option.name: getattr(args, option.name) for option in OPTIONS}
    return Network(
        model=args.model,
        parameters={name: each for name, each in values.items() if each is not None},
        random_state=args.random_state,
        settings=dict(args.settings),  # the last of several counts, as elsewhere
    )
