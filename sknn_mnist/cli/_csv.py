"""Tables as CSV, in which no spreadsheet finds a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from typing import Any

__all__ = ["csv_of", "guarded"]

# What a spreadsheet takes for the beginning of a formula.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|inf|nan)")


def csv_of(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows as CSV, text `guarded`, lines ended by a line feed."""
    lines = _Lines()
    # `csv.writer` quotes cells that hold its line terminator: here, both characters.
    writer = csv.writer(lines, lineterminator="\r\n")
    for row in rows:
        writer.writerow(
            [guarded(cell) if isinstance(cell, str) else cell for cell in row]
        )
    return "".join(line.removesuffix("\r\n") + "\n" for line in lines)


class _Lines(list[str]):
    """A file for `csv.writer`, which writes a row at a time."""

    write = list.append


def guarded(cell: str) -> str:
    """Return text that no spreadsheet takes for a formula, by an apostrophe before.

    Parameters
    ----------
    cell : str
        Content of a cell. A number is returned as it is.

    Returns
    -------
    str
        The same, or with an apostrophe.
    """
    if cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell
