"""Options of the command line that stand for parameters of the estimators.

One table says what an option is called, how its values are read and which models
know it; nothing here imports more than the standard library.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = [
    "DEFAULT_GRIDS",
    "MODELS",
    "add_options",
    "given_options",
    "split_grid",
    "take_epochs",
]

MODELS = {"dense": "DenseClassifier", "cnn": "CNNClassifier"}

# What a search covers when no option says otherwise: the grids of the lesson.
DEFAULT_GRIDS: dict[str, dict[str, list[Any]]] = {
    "dense": {"epochs": [1, 5, 10], "hidden_size": [32, 64, 256]},
    "cnn": {"epochs": [1, 3], "filters": [8, 32]},
}


def read_bool(text: str) -> bool:
    """Read true or false."""
    known = {"true": True, "false": False}
    if text.lower() not in known:
        raise argparse.ArgumentTypeError(f"true or false is meant, not {text!r}")
    return known[text.lower()]


def read_ints(text: str) -> int | tuple[int, ...]:
    """Read an int, or several joined by commas as a tuple."""
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"an int such as 32, or ints joined by commas such as 32,32, is meant, "
            f"not {text!r}"
        ) from None
    return numbers if "," in text else numbers[0]


def read_layers(text: str) -> int | tuple[int, ...]:
    """Read sizes of layers; "none" means no layer."""
    return () if text.lower() == "none" else read_ints(text)


def read_rate(text: str) -> float | None:
    """Read a float; "none" leaves the rate to the optimizer."""
    if text.lower() == "none":
        return None
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"a number such as 0.001, or none, is meant, not {text!r}"
        ) from None


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


def split_grid(
    given: Mapping[str, list[Any]], model: str
) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Split options into what is fixed and what is searched over.

    Parameters
    ----------
    given : mapping of str to list
        Values by parameter.
    model : {"dense", "cnn"}
        Whose default grid serves when nothing is given.

    Returns
    -------
    fixed : dict of str to object
        Parameters with one value.
    grid : dict of str to list
        Parameters with several. Where all have one, these: a search has
        something to tell its only candidate by.

    Raises
    ------
    ValueError
        When a value is given twice.
    """
    if not given:
        return {}, DEFAULT_GRIDS[model]
    for name, values in given.items():
        twice = {repr(value) for value in values if values.count(value) > 1}
        if twice:
            flag = "--" + name.replace("_", "-")
            raise ValueError(f"{flag} names {min(twice)} more than once.")
    grid = {name: values for name, values in given.items() if len(values) > 1}
    if not grid:
        return {}, dict(given)
    fixed = {name: values[0] for name, values in given.items() if name not in grid}
    return fixed, grid


def take_epochs(
    given: Mapping[str, list[Any]], model: str
) -> tuple[dict[str, list[Any]], int | None]:
    """Take the epochs out of the options, for a search that deals them out itself.

    Parameters
    ----------
    given : mapping of str to list
        Values by parameter.
    model : {"dense", "cnn"}
        Whose default grid serves when nothing is given.

    Returns
    -------
    given : dict of str to list
        The others.
    epochs : int or None
        The most epochs of a candidate; None leaves them to the estimator.

    Raises
    ------
    ValueError
        When several epochs are given, or nothing else has several values.
    """
    others = dict(given or DEFAULT_GRIDS[model])
    epochs = others.pop("epochs", [None])
    if given and len(epochs) > 1:
        raise ValueError(
            "--halving deals out the epochs itself: --epochs takes one value then, "
            f"the most. Got {' '.join(map(str, epochs))} instead."
        )
    if not any(len(values) > 1 for values in others.values()):
        raise ValueError(
            "--halving chooses between candidates: give an option other than --epochs "
            "several values."
        )
    return others, max(epochs) if epochs != [None] else None
