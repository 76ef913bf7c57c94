"""The examples out of an installed package, into a folder of the user's."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["copy_examples"]

# The wheel has them in this wing; a checkout, which an editable install leads to, has
# them beside the package.
FOLDERS = (
    Path(__file__).parent / "examples",
    Path(__file__).parents[2] / "examples",
)


def copy_examples(out: str | Path) -> list[Path]:
    """Copy the examples of the lesson into a folder.

    Parameters
    ----------
    out : str or Path
        The folder; it is made where there is none. What is in it stays.

    Returns
    -------
    list of Path
        The scripts that were written.

    Raises
    ------
    FileExistsError
        Where one of them is there already; then nothing is written.
    OSError
        Where the folder can't be written to.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sknn_mnist.lesson import copy_examples
    >>> with TemporaryDirectory() as folder:
    ...     copy_examples(folder)[0].name
    'plot_01_sequential_net.py'
    """
    source = next(each for each in FOLDERS if (each / "run_all.py").is_file())
    scripts = sorted(source.glob("*/plot_*.py"), key=lambda path: path.name)
    scripts.append(source / "run_all.py")
    targets = [Path(out) / each.relative_to(source) for each in scripts]
    for target in targets:
        if target.exists():
            raise FileExistsError(
                f"copy_examples: {target} is there already; out must be a folder "
                "without the examples"
            )
    for script, target in zip(scripts, targets, strict=True):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(script, target)
    return targets
