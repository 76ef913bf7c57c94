"""The command that copies the examples of the lesson into a folder."""

from __future__ import annotations

import shlex
from importlib.util import find_spec
from pathlib import Path

from sknn_mnist.cli._arguments import Examples
from sknn_mnist.cli._errors import CommandError, tell
from sknn_mnist.cli._outputs import prepare_folder

__all__ = ["run_examples"]


def run_examples(asked: Examples) -> None:
    """Copy the examples, list them, and say what to run."""
    from sknn_mnist.lesson import copy_examples

    folder = prepare_folder(asked.out)
    try:
        scripts = copy_examples(folder)
    except FileExistsError as err:
        if err.errno is not None:  # the system's: a file where a folder has to be
            raise
        raise CommandError(
            f"{asked.out} has some of the examples already, which are not written "
            "over; give another --out",
            2,
        ) from err
    *chapters, everything = scripts
    for path in chapters:
        print(f"{path.relative_to(folder)}: {_title(path)}")
    print(f"{len(chapters)} examples written to {folder}; the first of them:")
    print(_command(chapters[0]))
    print("all of them, which takes minutes:")
    print(_command(everything))
    if find_spec("matplotlib") is None:
        tell('they draw with matplotlib: pip install "sknn-mnist[plot]"')


def _title(path: Path) -> str:
    """Return the first line of an example's docstring."""
    return path.read_text(encoding="utf-8").split('"""')[1].strip().splitlines()[0]


def _command(path: Path) -> str:
    return f"  python {shlex.quote(str(path))}"
