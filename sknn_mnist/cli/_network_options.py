"""Options of the command line that stand for parameters of the estimators.

One table says what an option is called, how its values are read and which models
know it; nothing here imports more than the standard library.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sknn_mnist.cli._option_values import read_bool, read_ints, read_layers, read_rate

__all__ = ["MODELS", "add_options", "given_options"]

MODELS = {"dense": "DenseClassifier", "cnn": "CNNClassifier"}


@dataclass(frozen=True)
class Option:
    """An option: the parameter it stands for, and how its values are read."""

    name: str
    read: Callable[[str], Any]
    metavar: str
    help: str
    models: tuple[str, ...] = tuple(MODELS)

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")


OPTIONS = (
    Option("epochs", int, "N", "passes over the training rows"),
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
    Option("optimizer", str, "NAME", "Keras optimizer: adam, sgd, rmsprop ..."),
    Option(
        "learning_rate",
        read_rate,
        "RATE",
        "learning rate, or none for the optimizer's own",
    ),
    Option("batch_size", int, "N", "rows a step of the optimizer"),
)


def add_options(parser: argparse._ActionsContainer, several: bool) -> None:
    """Add the options of the table to a parser.

    Parameters
    ----------
    parser : argparse.ArgumentParser or argument group
        Where to add them.
    several : bool
        Whether each takes one or more values, to search over, or a single one.
    """
    for option in OPTIONS:
        parser.add_argument(
            option.flag,
            dest=option.name,
            type=option.read,
            metavar=option.metavar,
            nargs="+" if several else None,
            help=option.help,
        )


def given_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the parameters that were given, by name.

    Parameters
    ----------
    args : argparse.Namespace
        Parsed arguments, with the model.

    Returns
    -------
    dict of str to object
        What each option was given: a value, or the list of them.

    Raises
    ------
    ValueError
        When an option is not one of the model's.
    """
    given = {}
    for option in OPTIONS:
        value = getattr(args, option.name)
        if value is None:
            continue
        if args.model not in option.models:
            raise ValueError(
                f"{option.flag} belongs to --model {' or '.join(option.models)}, "
                f"not to --model {args.model}."
            )
        given[option.name] = value
    return given
