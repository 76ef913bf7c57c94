"""Options of the command line that stand for parameters of the estimators.

One table says what an option is called, how its values are read and which models
know it; nothing here imports more than the standard library.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sknn_mnist.cli._arguments import By, Network, Place, Span
from sknn_mnist.cli._option_ranges import name_of_range, with_ranges
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
    "DEFAULT_SPACES",
    "MODELS",
    "MOST_EPOCHS",
    "OPTIONS",
    "OWN_GRID",
    "OWN_SPACE",
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

# And by Hyperband, which deals out the epochs up to the most.
MOST_EPOCHS = 81
_RATES = [Span(1e-4, 1e-1, log=True)]
DEFAULT_SPACES: dict[str, dict[str, list[Any]]] = {
    "dense": {
        "hidden_size": [Span(16, 512)],
        "learning_rate": _RATES,
        "dropout": [Span(0.0, 0.5)],
        "batch_norm": [True, False],
    },
    "cnn": {
        "filters": [Span(4, 64)],
        "learning_rate": _RATES,
        "dropout": [Span(0.0, 0.5)],
        "batch_norm": [True, False],
    },
}
OWN_SPACE: dict[str, list[Any]] = {
    "learning_rate": _RATES,
    "batch_size": [16, 32, 64, 128],
}


@dataclass(frozen=True)
class Option:
    """An option: the parameter it stands for, and how its values are read."""

    name: str
    read: Callable[[str], Any]
    metavar: str
    help: str
    models: tuple[str, ...] = tuple(MODELS)
    of_training: bool = False  # and so of networks of the user's own as well
    number: type[int] | type[float] | None = None  # of what it has ranges, if any

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
        number=int,
    ),
    Option(
        "filters",
        read_ints,
        "N[,N...]",
        "filters of the convolution, or of each joined by commas (32,32); cnn only",
        ("cnn",),
        number=int,
    ),
    Option(
        "kernel_size",
        read_ints,
        "N[,N]",
        "side of the kernels, or height,width; cnn only",
        ("cnn",),
        number=int,
    ),
    Option(
        "pool_size",
        read_ints,
        "N[,N]",
        "side of the max pooling, or height,width; cnn only",
        ("cnn",),
        number=int,
    ),
    Option(
        "dropout",
        float,
        "RATE",
        "fraction of hidden outputs dropped, in [0, 1)",
        number=float,
    ),
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
        number=float,
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
        number=float,
    ),
    Option(
        "batch_size",
        int,
        "N",
        "rows per step of the optimizer",
        of_training=True,
        number=int,
    ),
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
        "network",
        "one or more values each; with --hyperband also a range of numbers,\n"
        "  LOW:HIGH, or LOW:HIGH:log for even logarithms"
        if several
        else None,
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
            type=with_ranges(option.read, option.number),
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
        "times. Values are Python's (32, 0.5, True, None, (32,32)), or else text"
        + (
            "; with --hyperband also a range of numbers, NAME=16:512 or "
            "NAME=1e-4:1e-1:log"
            if several
            else ""
        ),
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


def default_grid(model: str | Place, by: By = "grid") -> dict[str, list[Any]]:
    """Return what a search over a model covers when no option says otherwise."""
    grids, own = (
        (DEFAULT_SPACES, OWN_SPACE) if by == "hyperband" else (DEFAULT_GRIDS, OWN_GRID)
    )
    return own if isinstance(model, Place) else grids[model]


def _read_model(text: str) -> str | Place:
    return read_model(text, MODELS)


def network_from(args: argparse.Namespace, ranges: bool = False) -> Network:
    """Return which network was asked for, with ranges where `ranges` may be."""
    values = {option.name: getattr(args, option.name) for option in OPTIONS}
    network = Network(
        model=args.model,
        parameters={name: each for name, each in values.items() if each is not None},
        random_state=args.random_state,
        settings=dict(args.settings),  # the last of several counts, as elsewhere
    )
    for given in (network.parameters, network.settings):
        name = name_of_range(given)
        if name is not None and not ranges:
            args.refuse(_no_range(name, given[name], given is network.settings))
    if ranges:  # of settings, where they are read
        for name, values in network.parameters.items():
            if len(values) > 1 and name_of_range({name: values}):
                args.refuse(
                    f"{flag_of(name)} takes one range or several values, not both: "
                    f"got {' '.join(map(str, values))}"
                )
    return network


def _no_range(name: str, given: Any, is_setting: bool) -> str:
    """Return why a range can't stand where it was typed, and what can."""
    typed, apart = (f"--set {name}=", ",") if is_setting else (f"{flag_of(name)} ", " ")
    text = "; a text has quotes of its own, \"'...'\"" if is_setting else ""
    if isinstance(given, Span):  # the single value of a fit
        return (
            f"{typed}{given} is a range, which only search --hyperband draws from: "
            f"give a single value{text}"
        )
    span = next(value for value in given if isinstance(value, Span))
    return (
        f"{typed}{span} is a range, which only --hyperband draws from: add that, or "
        f"give values, such as {typed}{span.low}{apart}{span.high}{text}"
    )
