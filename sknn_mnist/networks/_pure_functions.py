"""Whether a function does the same each time, told by what its code refers to.

A search calls the same function with the same arguments for each fold and each number
of epochs, and building a network takes as long as training a small one for an epoch. A
function that refers to nothing but Keras's own classes and functions, arithmetic, plain
values and other such functions makes the same network again; all others are called each
time. So it is with schedules of learning rates, which a memory knows for years.
"""

from __future__ import annotations

import builtins
import dis
import functools
import math
import re
import sys
import types
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from sknn_mnist.networks._keras_fingerprints import NotOwnError, fingerprint
from sknn_mnist.networks._keras_own import name_of_own

__all__ = ["exact_key", "purity_key"]

# Names of attributes, of whatever object, that read files, change settings, or print.
_UNSURE = {
    *("load", "load_model", "load_weights", "open", "read", "summary"),
    *("save", "save_weights", "export", "get_file", "random", "utils", "saving"),
}
_BUILTINS = {
    *(range, len, tuple, list, dict, set, zip, enumerate, reversed, sorted, slice),
    *(int, float, str, bool, min, max, sum, abs, round, pow, divmod, isinstance),
    *(any, all, map, filter, ValueError, TypeError),
}
# Of math and NumPy, what gives the same for the same numbers, by `id`.
_ARITHMETIC = {
    id(value): f"{module.__name__}.{name}"
    for module in (math, np)
    for name, value in vars(module).items()
    if (module is math and isinstance(value, types.BuiltinFunctionType))
    or isinstance(value, np.ufunc)
    or name in ("float32", "float64", "clip", "interp", "where", "searchsorted")
}
# What code does to names and objects that are not its own.
_CHANGES = {"STORE_GLOBAL", "DELETE_GLOBAL", "STORE_DEREF", "DELETE_DEREF"}
_CHANGES |= {"DELETE_ATTR", "DELETE_SUBSCR"}
_STORES = {"STORE_ATTR", "STORE_SUBSCR"}
# What a function may import when it is called.
_LIBRARIES = {"keras", "tensorflow"}
_NO_PART = {"CACHE", "EXTENDED_ARG", "PUSH_NULL", "NOP"}
# What code does, and with what; not all Pythons have the last.
_PARTS_OF_CODE = (
    *("co_code", "co_consts", "co_names", "co_varnames", "co_freevars", "co_cellvars"),
    *("co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_flags"),
    "co_exceptiontable",
)


def purity_key(function: Any) -> Any:
    """Return something hashable that is equal for functions that do the same.

    Parameters
    ----------
    function : callable
        Any.

    Returns
    -------
    object or None
        Computed at each use, as what the code refers to may change; its `repr` is the
        same in each process of the same Python. None where it may be anything.
    """
    try:
        return _key_of(function, ())
    except (NotOwnError, ValueError, TypeError, AttributeError):
        return None


def exact_key(value: Any) -> Any:
    """Return something hashable that is equal for equal arguments of a function.

    As `fingerprint`, but that the order of a dict counts, and whether something is a
    list or a tuple.
    """
    if type(value) is dict:
        items = [(exact_key(name), exact_key(each)) for name, each in value.items()]
        return "dict", tuple(items)
    if type(value) in (list, tuple):
        return type(value).__name__, tuple(exact_key(each) for each in value)
    if isinstance(value, Mapping | list | tuple):
        raise NotOwnError(value)  # of a class of its own
    return fingerprint(value)


def _key_of(value: Any, within: tuple[Any, ...]) -> Any:
    name = name_of_own(value)
    if name is not None:
        if name.startswith("keras.models.") and not isinstance(value, type):
            raise NotOwnError(value)  # it reads files, or makes a copy of a network
        return name
    if id(value) in _ARITHMETIC:
        return "arithmetic", _ARITHMETIC[id(value)]
    if isinstance(value, functools.partial):
        parts = [_key_of(each, within) for each in (value.func, *value.args)]
        named = [(key, _key_of(each, within)) for key, each in value.keywords.items()]
        return "partial", tuple(parts), tuple(sorted(named))
    if isinstance(value, types.FunctionType):
        if value in within or vars(value):  # it may keep something from call to call
            raise NotOwnError(value)
        return _key_of_code(value, (*within, value))
    if isinstance(value, type | types.BuiltinFunctionType):
        if value in _BUILTINS:
            return "builtin", value.__name__
        raise NotOwnError(value)
    if isinstance(value, types.ModuleType | list | dict | set | np.ndarray):
        raise NotOwnError(value)  # the function may change it
    return exact_key(value)


def _key_of_code(function: types.FunctionType, within: tuple[Any, ...]) -> Any:
    known = _referred_to(function)
    refers = [(name, _key_of(known[name], within)) for name in sorted(known)]
    defaults = [_key_of(each, within) for each in function.__defaults__ or ()]
    keywords = [
        (name, _key_of(each, within))
        for name, each in sorted((function.__kwdefaults__ or {}).items())
    ]
    code = _key_of_constant(function.__code__)
    return code, tuple(refers), tuple(defaults), tuple(keywords)


def _key_of_constant(value: Any) -> Any:
    """Return what is equal for constants of code that are the same, code included.

    Not by its place in a file, and in the same words in each process.
    """
    if isinstance(value, types.CodeType):
        parts = [_key_of_constant(getattr(value, name, b"")) for name in _PARTS_OF_CODE]
        return "code", tuple(parts)
    if isinstance(value, tuple):
        return "tuple", tuple(map(_key_of_constant, value))
    if isinstance(value, frozenset):
        return "frozenset", tuple(sorted(map(repr, map(_key_of_constant, value))))
    return type(value).__name__, repr(value)


def _referred_to(function: types.FunctionType) -> dict[str, Any]:
    """Return what a function refers to, by dotted names.

    Raises
    ------
    NotOwnError
        When its code may do more than compute.
    """
    code = function.__code__
    if code.co_flags & 0x2A0:  # generators and coroutines
        raise NotOwnError(function)
    known: dict[str, Any] = {**vars(builtins), **function.__globals__}
    cells = function.__closure__ or ()
    for name, cell in zip(code.co_freevars, cells, strict=True):
        known[name] = cell.cell_contents
    imported = _imported_in(code)
    found: dict[str, Any] = {}
    before, dotted, value = "", "", None  # of a name that may be a module
    for opname, argument in _instructions(code):
        is_attribute = opname in ("LOAD_ATTR", "LOAD_METHOD")
        if opname in _CHANGES or (is_attribute and argument in _UNSURE):
            raise NotOwnError(function)
        if opname in _STORES and not before.startswith("LOAD_FAST"):
            raise NotOwnError(function)
        if isinstance(value, types.ModuleType):
            if not is_attribute:
                raise NotOwnError(function)  # a module is handed on
            dotted, value = f"{dotted}.{argument}", getattr(value, argument)
        elif opname in ("LOAD_GLOBAL", "LOAD_NAME") or (
            opname in ("LOAD_DEREF", "LOAD_CLASSDEREF") and argument in known
        ):
            dotted, value = argument, known.get(argument)
        elif opname.startswith("LOAD_FAST") and argument in imported:
            dotted, value = argument, imported[argument]
        else:
            dotted, value = "", None
        if dotted and not isinstance(value, types.ModuleType):
            found[dotted] = value
        before = opname
    return found


def _imported_in(code: types.CodeType) -> dict[str, Any]:
    """Return what a function imports when it is called, by its local names."""
    imported: dict[str, Any] = {}
    stored = [name for opname, name in _instructions(code) if opname == "STORE_FAST"]
    module, value = "", None
    for opname, argument in _instructions(code):
        if opname == "IMPORT_NAME":
            package = argument.partition(".")[0]
            if package not in _LIBRARIES:
                raise NotOwnError(code)
            module, value = argument, sys.modules.get(package)
        elif opname == "IMPORT_FROM":
            value = getattr(sys.modules.get(module), argument)
        elif opname == "STORE_FAST" and value is not None:
            if stored.count(argument) > 1:
                raise NotOwnError(code)  # the name stands for several things
            imported[argument], value = value, None
        elif opname == "POP_TOP" or value is None:
            value = None
        else:
            raise NotOwnError(code)  # used without a name, or at another place
    return imported


def _instructions(code: types.CodeType) -> Iterator[tuple[str, Any]]:
    """Yield what a function does, and those that are defined in it."""
    for each in dis.get_instructions(code):
        if isinstance(each.argval, tuple) and "_FAST" in each.opname:
            # Two in one, as Python has them from 3.13 on.
            verbs = re.findall("(LOAD|STORE)_FAST", each.opname)
            for verb, name in zip(verbs, each.argval, strict=True):
                yield f"{verb}_FAST", name
        elif each.opname not in _NO_PART:
            yield each.opname, each.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield "", None
            yield from _instructions(constant)
