"""Networks of the user's own: functions in files and modules, imported by name.

Importing runs the file or module, as it would run under ``python -m``: that is what
the user asked for.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Any

from sknn_mnist._parameters import near_names
from sknn_mnist.cli._arguments import Place
from sknn_mnist.cli._errors import CommandError, sentence

__all__ = ["OwnFunction", "calling", "import_function"]

# Names that are listed where none comes near to what was asked for.
MOST_NAMES = 8


@dataclass(frozen=True)
class OwnFunction:
    """A function that makes networks, and how Python finds it again."""

    function: Any  # or a network itself
    place: Place
    module: str
    folder: str | None  # which had to be put on Python's path

    @property
    def name(self) -> str:
        """Name of the function in its module."""
        return self.place.name

    @property
    def imports(self) -> list[str]:
        """Lines of Python that import it under its name, after those of others.

        With a folder they need `sys`.
        """
        lines = [f"from {self.module} import {self.name.partition('.')[0]}"]
        if self.folder is None:
            return lines
        path = f"sys.path.insert(0, {self.folder!r})  # where {self.module} is"
        return ["", path, *lines]


def import_function(place: Place) -> OwnFunction:
    """Import a function of the user's own.

    Parameters
    ----------
    place : Place
        A file, whose folder is put on Python's path; or a module as ``python -m``
        finds it, in the current folder too.

    Returns
    -------
    OwnFunction
        The function, which other processes can import by the same name.

    Raises
    ------
    CommandError
        When there is no such file, module or function, or the import raises.
    """
    module, folder = _module_and_folder(place)
    # First, so that TensorFlow starts without the chatter that it has under Keras.
    import sknn_mnist.estimators  # noqa: F401

    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)
    invalidate_caches()
    with _importing(place, module, folder):
        found = import_module(module)
    file = getattr(found, "__file__", None)
    if place.is_file and not (file and os.path.samefile(file, place.source)):
        raise CommandError(
            f"{place.source} can't be imported as {module}: Python has another module "
            f"of this name ({file or 'built in'}); give the file another name",
            code=2,
        )
    function = _function_in(found, place)
    return OwnFunction(
        function, place, module, folder if _root_of(found) == folder else None
    )


def _module_and_folder(place: Place) -> tuple[str, str]:
    """Return the name to import, and the folder that it may be found in."""
    if not place.is_file:
        return place.source, os.getcwd()
    file = Path(place.source).expanduser()
    if not file.is_file():
        raise CommandError(f"{place.source}: no such file", code=2)
    if not file.stem.isidentifier():
        better = "".join(c if c.isalnum() else "_" for c in file.stem)
        raise CommandError(
            f"{place.source} can't be imported by its name: call it "
            f"{better if better.isidentifier() else f'_{better}'}.py or the like",
            code=2,
        )
    return file.stem, str(file.absolute().parent)


@contextmanager
def _importing(place: Place, module: str, folder: str) -> Iterator[None]:
    """Turn whatever an import raises into one sentence; what it prints is no result."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except ModuleNotFoundError as err:
        if not f"{module}.".startswith(f"{err.name}."):
            said = _raised(err, f"import of {place.source}", folder)
            raise CommandError(said, code=2) from err
        raise CommandError(
            f"--model {place}: no module named {err.name}, neither installed nor in "
            "the current folder; a file is given by its name, FILE.py:FUNCTION",
            code=2,
        ) from err
    # Whatever it is: even a script's exit.
    except (Exception, SystemExit) as err:
        said = _raised(err, f"import of {place.source}", folder)
        raise CommandError(said, code=2) from err


@contextmanager
def calling(own: OwnFunction | None, code: int = 1) -> Iterator[None]:
    """Turn what a function of the user's own raises into one sentence.

    Errors that are raised elsewhere go through.
    """
    try:
        yield
    except Exception as err:
        if own is None or isinstance(err, CommandError):
            raise
        folder = _root_of(sys.modules[own.module])
        if folder is None or not _place_of(err, folder):
            raise
        raise CommandError(_raised(err, str(own.place), folder), code) from err


def _function_in(module: Any, place: Place) -> Any:
    """Return what a module has under a name with dots, if it can make networks."""
    import keras

    found, owner = module, place.source
    for part in place.name.split("."):
        if not hasattr(found, part):
            raise CommandError(f"{owner} has no {part}{_others(found, part)}", code=2)
        found, owner = getattr(found, part), f"{owner}:{part}"
    if not (callable(found) or isinstance(found, keras.Model)):
        raise CommandError(
            f"{place} must be a function that returns a network, or a network, and is "
            f"of type {type(found).__name__}",
            code=2,
        )
    return found


def _others(owner: Any, name: str) -> str:
    """Return names that may have been meant, as part of a sentence."""
    names = [each for each in vars(owner) if not each.startswith("_")]
    near = near_names(name, names)
    own = [
        each
        for each in names
        if callable(vars(owner)[each])
        and getattr(vars(owner)[each], "__module__", None) == owner.__name__
    ]
    if near or not own:
        return near
    return f"; it has {', '.join(own[:MOST_NAMES])}{', ...' * (len(own) > MOST_NAMES)}"


def _root_of(module: Any) -> str | None:
    """Return the folder that a module, or the package it is in, was imported from."""
    file = getattr(module, "__file__", None)
    if file is None:
        return None
    is_package = Path(file).stem == "__init__"
    depth = module.__name__.count(".") + is_package
    return str(Path(file).absolute().parents[depth])


def _raised(err: BaseException, what: str, folder: str) -> str:
    """Return what raised an error, and where in the user's own code."""
    said = f"{type(err).__name__}: {sentence(err)}"
    return f"{what} raised {said.removesuffix('.')}{_place_of(err, folder)}"


def _place_of(err: BaseException, folder: str) -> str:
    """Return the line below a folder that an error comes from, as part of a sentence.

    Empty where it comes from elsewhere.
    """
    if isinstance(err, SyntaxError):  # which names its line itself
        return ""
    for frame in reversed(traceback.extract_tb(err.__traceback__)):
        file = Path(frame.filename)
        if Path(folder) in file.parents and "site-packages" not in file.parts:
            return f" (line {frame.lineno} of {file.name})"
    return ""
