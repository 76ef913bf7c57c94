"""The function of an estimator that a file tells of, without its code."""

from __future__ import annotations

import contextlib
import inspect
from typing import Any

from sknn_mnist.estimators._functions import MISSING, Maker
from sknn_mnist.files._saved_parameters import parameter_from_json
from sknn_mnist.files._values import UnsavableError, value_to_json

__all__ = ["SavedFunction", "function_to_json"]


class SavedFunction:
    """What a file knows of the function that made a network: its name and keywords.

    It stands for the parameter `model`, so that the keywords are parameters, and
    training goes on; to make a network anew needs the function itself.

    Parameters
    ----------
    name : str
        The function's.
    signature : inspect.Signature
        Its keywords, with the defaults that files can hold.
    """

    def __init__(self, name: str, signature: inspect.Signature) -> None:
        self.__name__ = name
        self.__signature__ = signature

    def __call__(self, **_: Any) -> Any:
        raise TypeError(
            f"The estimator was loaded from a file, which has no code of "
            f"{self.__name__!r}: to fit anew, give model a function that returns a "
            f"keras.Model, as in set_params(model=...), or load(path, model=...)."
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SavedFunction) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(self.__name__)

    def __repr__(self) -> str:
        return f"<{self.__name__}, without its code>"

    @classmethod
    def from_json(cls, stored: Any) -> SavedFunction:
        """Return what `function_to_json` described; anything amiss is a ValueError."""
        name, any_ = stored["name"], stored["takes_any"]
        if not isinstance(name, str):
            raise ValueError("the name of its function is not one")
        kind = inspect.Parameter.KEYWORD_ONLY
        parameters = [
            inspect.Parameter(
                each["name"],
                kind,
                default=parameter_from_json(each["name"], each["default"])
                if "default" in each
                else MISSING,
            )
            for each in stored["keywords"]
        ]
        if any_:
            parameters.append(inspect.Parameter("_any", inspect.Parameter.VAR_KEYWORD))
        return cls(name, inspect.Signature(parameters))


def function_to_json(maker: Maker) -> dict[str, Any]:
    """Return what `SavedFunction.from_json` takes."""
    keywords: list[dict[str, Any]] = [{"name": name} for name in maker.asks_for]
    for name, default in maker.keywords.items():
        each: dict[str, Any] = {"name": name}
        if default is not MISSING:
            # Code is the function's to keep.
            with contextlib.suppress(UnsavableError, ValueError):
                stored = value_to_json(default)
                parameter_from_json(name, stored)
                each["default"] = stored
        keywords.append(each)
    return {
        "name": maker.name,
        "keywords": keywords,
        "takes_any": maker.takes_any,
    }
