"""Safetensors read from any binary file, for no more memory than is in it.

A file is the length of its header in eight bytes, the header as JSON, and the arrays
one after another. The header comes first and is judged first, and what it tells is
believed as far as there are bytes.
"""

from __future__ import annotations

import io
import json
import re
from typing import Any, BinaryIO

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as from_safetensors

__all__ = ["json_of", "read_safetensors"]

# Most bytes of a header, as in the library.
MOST_HEADER = 100_000_000

# Most levels of nested JSON; what `save` writes has some twenty.
MOST_DEPTH = 100

PIECE = 2**20
_STRING = re.compile(r'"[^"]*"?')
_BRACKET = re.compile(r"[\[\]{}]")


def read_safetensors(file: BinaryIO) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Read one safetensors file from where a binary file stands; go no further.

    Parameters
    ----------
    file : binary file
        Open for reading.

    Returns
    -------
    metadata : dict of str to str
        The text in its header.
    arrays : dict of str to ndarray
        The arrays.

    Raises
    ------
    ValueError
        When it is no safetensors file, or a truncated one.
    """
    start = _exactly(file, 8)
    length = int.from_bytes(start, "little")
    if length > MOST_HEADER:
        raise ValueError(
            "it is no safetensors file, or a truncated one (a header too long)"
        )
    head = _exactly(file, length)
    try:
        header = json_of(head.decode())
        metadata = header.pop("__metadata__", {})
        n_bytes = max((each["data_offsets"][1] for each in header.values()), default=0)
        if not isinstance(n_bytes, int) or not isinstance(metadata, dict):
            raise TypeError("a header of another kind")
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as err:
        raise ValueError(
            f"it is no safetensors file, or a truncated one ({err})"
        ) from err
    data = b"".join((start, head, _exactly(file, n_bytes)))
    try:
        return metadata, from_safetensors(data)
    except (SafetensorError, ValueError, KeyError, TypeError) as err:
        raise ValueError(
            f"it is no safetensors file, or a truncated one ({err})"
        ) from err


def json_of(text: str) -> Any:
    """Return what JSON says, unless it is nested deeper than `save` ever nests.

    Parameters
    ----------
    text : str
        JSON.

    Returns
    -------
    object
        Lists, dicts, strings, numbers, bools and None.

    Raises
    ------
    ValueError
        When it is no JSON, or too deep for those who read it.
    """
    # Without what is escaped, a quotation mark is the end of a string or its start.
    plain = text.replace(r"\\", "").replace(r"\"", "")
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub("", plain)):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MOST_DEPTH:
            raise ValueError(f"its JSON is more than {MOST_DEPTH} deep")
    return json.loads(text)


def _exactly(file: BinaryIO, n_bytes: int) -> bytes:
    """Return so many bytes; in pieces, as there may not be that many."""
    read = io.BytesIO()
    while read.tell() < n_bytes:
        piece = file.read(min(n_bytes - read.tell(), PIECE))
        if not isinstance(piece, bytes):
            raise TypeError("the file must be open in binary mode, not for text")
        if not piece:
            raise ValueError(
                "it is no safetensors file, or a truncated one (it ends too soon)"
            )
        read.write(piece)
    return read.getvalue()
