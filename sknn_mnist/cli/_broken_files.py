"""Image files that can't be read: named, whether they are refused or left out."""

from __future__ import annotations

from collections.abc import Sequence

from sknn_mnist.cli._errors import CommandError, tell

__all__ = ["refused_files", "tell_left_out"]

# Names of files that are left out, of which there may be thousands.
MOST_NAMED = 10


def refused_files(files: Sequence[tuple[str, str]]) -> CommandError:
    """Name files on standard error, each on a line; return the error that counts them.

    A single file is named by the error itself.

    Parameters
    ----------
    files : sequence of (str, str)
        Name of each, and what is wrong with it.

    Returns
    -------
    CommandError
        The caller raises it.
    """
    if len(files) == 1:
        said = "{}: {}".format(*files[0])
    else:
        for name, what in files:
            tell(f"{name}: {what}")
        said = f"{_counted(files)} can't be read, as said above"
    return CommandError(f"{said} (here: --skip-broken leaves out such files)")


def tell_left_out(files: Sequence[str], why: str) -> None:
    """Say on standard error which files are left out, if any."""
    if not files:
        return
    named = ", ".join(files[:MOST_NAMED])
    more = ", ..." if len(files) > MOST_NAMED else ""
    tell(f"left out, as {why}: {_counted(files)} ({named}{more})")


def _counted(files: Sequence[object]) -> str:
    return f"{len(files):,} file{'s' * (len(files) != 1)}"
