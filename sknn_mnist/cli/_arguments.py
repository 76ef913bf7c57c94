"""What a command line asks for: one value per command.

The parser makes them, and is the last to see an `argparse.Namespace`. Nothing in them
has been looked up yet: no file was opened, no parameter was checked by its estimator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

__all__ = [
    "By",
    "Cache",
    "Command",
    "DataSource",
    "Datasets",
    "Evaluate",
    "Examples",
    "Fit",
    "Hyperband",
    "Network",
    "Place",
    "Predict",
    "Reading",
    "Search",
    "Span",
    "Stopping",
    "Version",
]

# The kinds of a search, as its results name them.
By: TypeAlias = Literal["grid", "halving", "hyperband"]

# Of the rows of a fit, what early stopping holds out where nothing else is said.
HELD_OUT = 0.1


@dataclass(frozen=True)
class Reading:
    """How images of the user's own are read."""

    target: str | None = None  # the column of the labels
    image_size: tuple[int, ...] | None = None  # (height, width) or with channels
    test_data: str | None = None
    test_size: float | None = None
    skip_broken: bool = False

    @property
    def is_default(self) -> bool:
        return self == Reading()


@dataclass(frozen=True)
class DataSource:
    """Which data, and where they are."""

    dataset: str  # auto, mnist or digits
    path: str | None = None
    download: bool = False
    train_size: int | None = None
    reading: Reading = Reading()

    @property
    def is_default(self) -> bool:
        """Whether nothing was said of data, but perhaps of image files."""
        reading = replace(self.reading, image_size=None, skip_broken=False)
        return replace(self, reading=reading) == DataSource("auto")


@dataclass(frozen=True)
class Place:
    """Where a function of the user's own is, which makes networks."""

    source: str  # a file, or the name of a module
    name: str  # of the function there, perhaps with dots

    @property
    def is_file(self) -> bool:
        return self.source.endswith(".py")

    def __str__(self) -> str:
        return f"{self.source}:{self.name}"


@dataclass(frozen=True)
class Span:
    """Numbers from one bound to another, both included, as they were typed."""

    low: int | float
    high: int | float
    log: bool = False  # whether their logarithms are drawn evenly

    def __str__(self) -> str:
        return f"{self.low}:{self.high}{':log' if self.log else ''}"


@dataclass(frozen=True)
class Network:
    """Which network, and the parameters that were given of it, in order.

    A search has a list of values for each parameter, or of a single range; a fit has a
    single value.
    """

    model: str | Place  # a key of MODELS, or a function of the user's own
    parameters: Mapping[str, Any]
    random_state: int
    settings: Mapping[str, Any] = field(default_factory=dict)  # by --set


@dataclass(frozen=True)
class Stopping:
    """What fits hold out of their rows, and whether that says when they stop."""

    validation_split: float | None = None
    stratify: bool = False
    early_stopping: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)  # of early stopping

    @property
    def monitor(self) -> str:
        """What early stopping judges by."""
        return str(self.options.get("monitor", "val_loss"))

    @property
    def judges_rows(self) -> bool:
        """Whether early stopping needs rows that were held out."""
        return self.early_stopping and self.monitor.startswith("val_")

    @property
    def chooses_rows(self) -> bool:
        """Whether nobody has said which rows to hold out, and some are needed."""
        return self.validation_split is None and self.judges_rows

    @property
    def fraction(self) -> float:
        """The fraction of the rows that is held out."""
        return HELD_OUT if self.chooses_rows else self.validation_split or 0.0

    @property
    def is_stratified(self) -> bool:
        """Whether as much of each class is held out."""
        return self.stratify or self.chooses_rows


@dataclass(frozen=True)
class Hyperband:
    """How a search by Hyperband deals out epochs, and what ends it early."""

    factor: int = 3
    iterations: int = 1
    minutes: float | None = None
    patience: int | None = None  # candidates


@dataclass(frozen=True)
class Search:
    """Cross-validate many networks, and test the best."""

    network: Network
    data: DataSource
    cv: int
    scoring: str | None
    n_jobs: int | None
    dask: str | None
    halving: int | None  # its factor
    hyperband: Hyperband | None
    refit: bool
    refit_epochs: str | None  # how the folds' best epochs become one number
    out: str | None
    overwrite: bool
    files: bool
    memory: str | None
    quiet: bool
    typed: tuple[str, ...]  # the whole command, for the report
    stopping: Stopping = Stopping()

    @property
    def by(self) -> By:
        """How candidates and their epochs are chosen."""
        if self.hyperband:
            return "hyperband"
        return "halving" if self.halving else "grid"


@dataclass(frozen=True)
class Fit:
    """Train one network, and test it."""

    network: Network
    data: DataSource
    stopping: Stopping
    verbose: int
    memory: str | None
    save: str | None


@dataclass(frozen=True)
class Evaluate:
    """Test a saved network."""

    load: str
    data: DataSource
    model: Place | None = None


@dataclass(frozen=True)
class Predict:
    """Predict with a saved network."""

    load: str
    data: DataSource
    images: str | None
    out: str | None
    model: Place | None = None


@dataclass(frozen=True)
class Datasets:
    """List the available data sets."""

    download: bool


@dataclass(frozen=True)
class Cache:
    """Show or clear the training states that are kept in folders."""

    folders: tuple[str, ...]
    clear: bool
    shrink: int | None  # to so many bytes


@dataclass(frozen=True)
class Examples:
    """Copy the examples of the lesson into a folder."""

    out: str


@dataclass(frozen=True)
class Version:
    """Show the version."""

    details: bool


Command: TypeAlias = (
    Search | Fit | Evaluate | Predict | Datasets | Cache | Examples | Version
)
