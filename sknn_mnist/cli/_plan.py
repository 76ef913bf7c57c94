"""A search that is ready to run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sknn_mnist.cli._arguments import Search
from sknn_mnist.cli._candidates import Candidates
from sknn_mnist.cli._data import Data

__all__ = ["Plan"]


@dataclass(frozen=True)
class Plan:
    """What is searched, on which data, and where the results go.

    Everything in it has been looked up and checked, unlike the command's own words.
    """

    asked: Search
    candidates: Candidates
    data: Data
    folder: Path | None  # None with --no-files
