"""The options of all commands but ``search``, and the values made of them."""

from __future__ import annotations

import argparse
from typing import Any

from sknn_mnist.cli._arguments import (
    Cache,
    Datasets,
    Evaluate,
    Examples,
    Fit,
    Predict,
)
from sknn_mnist.cli._network_options import add_network, network_from
from sknn_mnist.cli._option_groups import (
    add_command,
    add_data,
    add_load,
    add_memory,
    data_source_from,
)
from sknn_mnist.cli._option_values import read_path, read_size
from sknn_mnist.cli._stopping_options import add_stopping, stopping_from

__all__ = [
    "add_cache",
    "add_datasets",
    "add_evaluate",
    "add_examples",
    "add_fit",
    "add_predict",
]


def add_fit(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "fit", "train one net, and test it", _fit_from)
    add_network(parser, several=False)
    add_data(parser, training=True)
    add_stopping(parser)
    parser.add_argument(
        "--verbose",
        type=int,
        choices=[0, 1, 2],
        default=0,
        help="silent (0, the default), one line of progress, or one line per epoch",
    )
    add_memory(parser, "none")
    parser.add_argument(
        "--save",
        type=read_path,
        metavar="PATH",
        help="write the fitted net there, for --load and sknn_mnist.load",
    )


def _fit_from(args: argparse.Namespace) -> Fit:
    return Fit(
        network=network_from(args),
        data=data_source_from(args),
        stopping=stopping_from(args),
        verbose=args.verbose,
        memory=args.memory,
        save=args.save,
    )


def add_evaluate(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands, "evaluate", "test a saved net, class by class", _evaluate_from
    )
    add_load(parser)
    add_data(parser, training=False)


def _evaluate_from(args: argparse.Namespace) -> Evaluate:
    return Evaluate(load=args.load, data=data_source_from(args), model=args.load_by)


def add_predict(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "predict",
        "predict labels with a saved net, as CSV",
        _predict_from,
        "columns: index, name (of an image file), prediction, probability (of the\n"
        "prediction) and, for the test rows of data, label. Of a net of several labels "
        "per\nrow the prediction holds their numbers, and each label has its "
        "probability. Text\nthat begins like a spreadsheet's formula (= + - @) is "
        "prefixed with an apostrophe.",
    )
    add_load(parser)
    add_data(parser, training=False)
    parser.add_argument(
        "--images",
        type=read_path,
        metavar="PATH",
        help="predict these instead of the test rows of data: an image file, a folder "
        "of them, a pattern in quotes ('scans/*.png'), or an array in a .npy or .npz "
        "file, of shape (n, height, width), (n, height, width, channels) or (n, "
        "features). Image files are resized to the images of the net. For a net that "
        "was fitted on values of 0 to 1, integers of 0 to 255 are divided by 255; "
        "standard error says so",
    )
    parser.add_argument(
        "--out",
        type=read_path,
        metavar="FILE.csv",
        help="write there instead of standard output",
    )


def _predict_from(args: argparse.Namespace) -> Predict:
    return Predict(
        load=args.load,
        data=data_source_from(args),
        images=args.images,
        out=args.out,
        model=args.load_by,
    )


def add_datasets(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands, "datasets", "list the available data sets", _datasets_from
    )
    parser.add_argument("--download", action="store_true", help="download MNIST")


def _datasets_from(args: argparse.Namespace) -> Datasets:
    return Datasets(download=args.download)


def add_cache(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "cache",
        "show or clear the training states kept in folders",
        _cache_from,
        "Folders hold 4 GB of states at most, or what the environment variable\n"
        "SKNN_MNIST_MEMORY_LIMIT says (500M, 10G); the least recently used go first.",
    )
    parser.add_argument(
        "folders",
        type=read_path,
        nargs="+",
        metavar="DIR",
        help="a folder given as --out or --memory, or as memory= in Python",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--clear", action="store_true", help="remove all states")
    what.add_argument(
        "--shrink",
        type=read_size,
        metavar="SIZE",
        help="remove the least recently used states until SIZE (500M, 2G) is left",
    )


def _cache_from(args: argparse.Namespace) -> Cache:
    return Cache(folders=tuple(args.folders), clear=args.clear, shrink=args.shrink)


def add_examples(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "examples",
        "copy the lesson's examples into a folder",
        _examples_from,
        "Each is a script that runs by itself, in seconds, on scikit-learn's bundled\n"
        "digits; with --dataset mnist on MNIST, with --full at the lesson's scale.",
    )
    parser.add_argument(
        "--out",
        type=read_path,
        default="examples",
        metavar="DIR",
        help="the folder; what is in it stays (default: examples)",
    )


def _examples_from(args: argparse.Namespace) -> Examples:
    return Examples(out=args.out)
