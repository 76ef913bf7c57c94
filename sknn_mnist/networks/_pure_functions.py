"""Whether a function does the same each time, told by what its code refers to.

A search calls the same function with the same arguments for each fold and each number
of epochs, and building a network takes as long as training a small one for an epoch. A
function that refers to nothing but Keras, TensorFlow and NumPy, plain values and other
such functions makes the same network again; all others are called each time.
"""

from __future__ import annotations

import builtins
import dis
import functools
import marshal
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from sknn_mnist.networks._keras_fingerprints import NotOwnError, fingerprint
from sknn_mnist.networks._keras_own import name_of_own

__all__ = ["purity_key"]

# Libraries whose functions do the same each time, but for those of these names: they
# read files, draw anew, change settings, print, or call code that is not seen.
_LIBRARIES = {"keras", "tensorflow", "numpy"}
_UNSURE = {
    *("load", "load_model", "load_weights", "loadtxt", "genfromtxt", "fromfile"),
    *("memmap", "open", "read", "get_file", "io", "gfile", "data", "datasets"),
    *("applications", "saving", "hub", "download", "default_rng", "SeedSequence"),
    *("seed", "set_seed", "set_random_seed", "get_state", "set_state"),
    *("config", "backend", "clear_session", "mixed_precision", "experimental"),
    *("distribute", "distribution", "py_function", "numpy_function", "summary"),
    *("print", "debugging", "set_floatx", "set_dtype_policy", "utils", "compat"),
}
_BUILTINS = {
    *(range, len, tuple, list, dict, set, zip, enumerate, reversed, sorted, slice),
    *(int, float, str, bool, min, max, sum, abs, round, pow, divmod, isinstance),
    *(any, all, map, filter, ValueError, TypeError),
}
# What code does to names that are not its own.
_CHANGES = {"STORE_GLOBAL", "DELETE_GLOBAL", "STORE_DEREF", "DELETE_DEREF"}


def purity_key(function: Any) -> Any:
    """Return something hashable that is equal for functions that do the same.

    Parameters
    ----------
    function : callable
        Any.

    Returns
    -------
    object or None
        Computed at each use, as what the code refers to may change. None where that
        may be anything.
    """
    try:
        return _key_of(function, ())
    except (NotOwnError, ValueError, TypeError):
        return None


def _key_of(value: Any, within: tuple[Any, ...]) -> Any:
    if isinstance(value, types.ModuleType):
        if value.__name__.partition(".")[0] in _LIBRARIES:
            return "module", value.__name__
        raise NotOwnError(value)
    name = name_of_own(value)
    if name is not None:
        return name
    if isinstance(value, functools.partial):
        parts = [_key_of(each, within) for each in (value.func, *value.args)]
        named = [(key, _key_of(each, within)) for key, each in value.keywords.items()]
        return "partial", tuple(parts), tuple(sorted(named))
    if isinstance(value, types.FunctionType):
        if value in within:  # it calls itself
            return "itself"
        return _key_of_code(value, (*within, value))
    if isinstance(value, type | types.BuiltinFunctionType):
        if value in _BUILTINS:
            return "builtin", value.__name__
        raise NotOwnError(value)
    if isinstance(value, list | dict | set | np.ndarray):
        raise NotOwnError(value)  # the function may change it
    return fingerprint(value)


def _key_of_code(function: types.FunctionType, within: tuple[Any, ...]) -> Any:
    code = function.__code__
    used, named = set(), set()
    for instruction in _instructions(code):
        if instruction.opname in _CHANGES:
            raise NotOwnError(function)
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            used.add(instruction.argval)
        elif instruction.opname == "IMPORT_NAME":
            if instruction.argval.partition(".")[0] not in _LIBRARIES:
                raise NotOwnError(function)
            named.update(instruction.argval.split("."))
        elif instruction.opname.startswith(("LOAD_ATTR", "LOAD_METHOD", "IMPORT")):
            named.add(instruction.argval)
    if named & _UNSURE or used & _UNSURE or code.co_flags & 0x2A0:  # generators
        raise NotOwnError(function)
    everywhere = vars(builtins)
    refers = [
        (name, _key_of(function.__globals__.get(name, everywhere.get(name)), within))
        for name in sorted(used)
    ]
    cells = [_key_of(each.cell_contents, within) for each in function.__closure__ or ()]
    defaults = [_key_of(each, within) for each in function.__defaults__ or ()]
    keywords = [
        (name, _key_of(each, within))
        for name, each in sorted((function.__kwdefaults__ or {}).items())
    ]
    return (
        marshal.dumps(code),
        tuple(refers),
        tuple(cells),
        tuple(defaults),
        tuple(keywords),
    )


def _instructions(code: types.CodeType) -> Iterator[dis.Instruction]:
    """Yield the instructions of a function, and of those that are defined in it."""
    yield from dis.get_instructions(code)
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            yield from _instructions(each)
