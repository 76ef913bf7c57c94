"""What an example says of its own numbers, held against them."""

from __future__ import annotations

from typing import Any

__all__ = ["claim"]


def claim(sentence: str, holds: Any) -> None:
    """Print a sentence about the numbers of an example, if they bear it out.

    Parameters
    ----------
    sentence : str
        What is said, as a reader of the page reads it.
    holds : bool
        Whether the numbers say so too: a comparison of what was just computed.

    Raises
    ------
    AssertionError
        Where they do not.

    Examples
    --------
    >>> from sknn_mnist.lesson import claim
    >>> claim("more hidden units, more parameters", 50_890 > 25_450)
    so it is: more hidden units, more parameters
    """
    if not holds:
        raise AssertionError(f"not so: {sentence}")
    print(f"so it is: {sentence}")
