"""Parameters of the estimators of one's own networks, some of them the function's.

scikit-learn knows an estimator's parameters from its constructor. Here the keywords of
the function that makes the network are parameters too, from its signature, and names
with a prefix reach what is made of a parameter: ``optimizer__momentum``.
"""

# Without `annotations` of `__future__`, so that those of the constructors are types.
import functools
import inspect
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, TypeVar

from sklearn.base import BaseEstimator

from sknn_mnist.estimators._constructors import holder
from sknn_mnist.estimators._functions import MISSING, Maker, maker_of, nearest
from sknn_mnist.estimators._routing import PREFIXES, check_route, taken_by

__all__ = ["FunctionParameters", "ModelParameter", "OwnParameters", "is_open"]

Own = TypeVar("Own", bound="FunctionParameters")


@holder
class ModelParameter:
    """The first parameter of the estimators of one's own networks."""

    model: Any = field(default=None, kw_only=False)


@holder
class OwnParameters:
    """Further parameters of the estimators of one's own networks.

    Those that other estimators have as well are left open here: the network says.
    """

    optimizer: Any = "auto"
    dtype: Any = None
    run_eagerly: bool = False
    validation_batch_size: int | None = None
    feature_encoder: Any = None
    target_encoder: Any = None
    transform_layer: Any = None


def is_open(value: Any) -> bool:
    """Tell whether a parameter is left to the network: None or "auto"."""
    return value is None or (isinstance(value, str) and value == "auto")


class FunctionParameters(BaseEstimator):
    """`get_params` and `set_params` with the keywords of the function `model`."""

    model: Any
    # What is set beside the parameters of the constructor: keywords of the function
    # that are not at their defaults, and names with a prefix.
    _given: dict[str, Any]
    # What makes the network in a subclass that is given no `model`; SciKeras's name.
    _keras_build_fn: Any = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            cls.__init__ = _storing(vars(cls)["__init__"])  # type: ignore[method-assign]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, those of the function `model` among them.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return those of parameters that have some as well, as in
            ``feature_encoder__with_mean``.

        Returns
        -------
        dict of str to object
            By name. A keyword of the function has its default where it was not set.
        """
        own = dict(self._own_parameters())
        found = {**own, **self._keywords(), **vars(self).get("_given", {})}
        if deep:
            for name, value in own.items():
                if hasattr(value, "get_params") and not isinstance(value, type):
                    for inner, each in value.get_params().items():
                        found[f"{name}__{inner}"] = each
        return dict(sorted(found.items()))

    def set_params(self: Own, **params: Any) -> Own:
        """Set parameters, those of the function `model` among them.

        Parameters
        ----------
        **params : dict
            By name. A new `model` comes first: of the keywords of the one before, those
            stay that it takes as well.

        Returns
        -------
        object
            The estimator itself.

        Raises
        ------
        ValueError
            When nobody takes a name. Nothing is set then.
        """
        own = dict(self._own_parameters())
        own.update((name, each) for name, each in params.items() if name in own)
        maker = self._maker(**{name: own[name] for name in ("model",) if name in own})
        for name in params:
            if not self._is_known(name, maker, own):
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator "
                    f"{type(self).__name__}{self._nearest(name, maker, own)}. Valid "
                    f"parameters are: {self._names(maker)}, and names that begin with "
                    f"one of {[f'{each}__' for each in PREFIXES]}."
                )
        inner: dict[str, dict[str, Any]] = defaultdict(dict)
        for name, value in sorted(params.items(), key=lambda item: item[0] != "model"):
            prefix, _, rest = name.partition("__")
            if name in own:
                self.__dict__[name] = value
                if name == "model":
                    self._forget_keywords(maker)
            elif rest and prefix not in PREFIXES:
                inner[prefix][rest] = value
            else:
                self._give(name, value, maker)
        for name, values in inner.items():
            vars(self)[name].set_params(**values)
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        private = name.startswith("_") or name.endswith("_")
        if not private and name not in vars(self) and "_given" in vars(self):
            maker, own = self._maker(), dict.fromkeys(own_names(type(self)))
            if name not in own and self._is_known(name, maker, own):
                self._give(name, value, maker)
                return
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        # Parameters are attributes; those of the function are kept apart.
        if not name.startswith("_") and not name.endswith("_"):
            keywords = {**self._keywords(), **vars(self).get("_given", {})}
            if name in keywords:
                return keywords[name]
        raise AttributeError(
            f"{type(self).__name__!r} object has no attribute {name!r}"
        )

    def _take(self, given: Mapping[str, Any]) -> None:
        """Take what the constructor was given beside its own parameters."""
        self.__dict__["_given"] = {}
        maker = self._maker()
        own = dict(self._own_parameters())
        for name, value in given.items():
            if not self._is_known(name, maker, own):
                whose = "" if maker is None else f", nor does {maker.name}"
                raise TypeError(
                    f"{type(self).__name__} takes no parameter {name!r}{whose}"
                    f"{self._nearest(name, maker, own)}."
                )
            self._give(name, value, maker)

    def _is_known(self, name: str, maker: Maker | None, own: Mapping[str, Any]) -> bool:
        """Tell whether somebody takes a name, where the constructor takes `own`."""
        if name in own or (maker is not None and maker.takes(name)):
            return True
        prefix, _, rest = name.partition("__")
        if not rest:
            return False
        if prefix == "model":
            return maker is not None and maker.takes(rest)
        if prefix in PREFIXES:
            return check_route(prefix, rest, own.get(prefix))
        return hasattr(own.get(prefix), "set_params")

    def _nearest(self, name: str, maker: Maker | None, own: Mapping[str, Any]) -> str:
        """Return " (did you mean 'x'?)" where a known name comes near."""
        prefix, _, rest = name.partition("__")
        if not rest or prefix not in PREFIXES:
            return nearest(name, self._names(maker))
        keywords = () if maker is None else maker.keywords
        taken = keywords if prefix == "model" else taken_by(prefix, own.get(prefix))
        return nearest(name, [f"{prefix}__{each}" for each in taken])

    def _give(self, name: str, value: Any, maker: Maker | None) -> None:
        """Keep a keyword of the function, or a name with a prefix."""
        given = vars(self)["_given"]
        keyword = name.removeprefix("model__")
        if keyword not in dict(self._own_parameters()):
            name = keyword if name.startswith("model__") else name
        keywords = {} if maker is None else maker.keywords
        if keyword in keywords and keywords[keyword] is value:
            given.pop(name, None)  # so that another function has its own default
        else:
            given[name] = value

    def _given_now(self) -> dict[str, Any]:
        """Return keywords of the function, and names with a prefix, that were given.

        The constructor of a subclass may name some of the latter.
        """
        named = {name: each for name, each in self._own_parameters() if "__" in name}
        return {**named, **vars(self).get("_given", {})}

    def _forget_keywords(self, maker: Maker | None) -> None:
        given = vars(self).get("_given", {})
        for name in list(given):
            prefix, _, rest = name.partition("__")
            keyword = rest if prefix == "model" else name
            routed = rest and prefix in PREFIXES and prefix != "model"
            if not routed and not (maker is not None and maker.takes(keyword)):
                del given[name]

    def _own_parameters(self) -> Iterator[tuple[str, Any]]:
        """Yield the parameters of the constructors, with their values."""
        for name in own_names(type(self)):
            if name in vars(self):
                yield name, vars(self)[name]

    def _names(self, maker: Maker | None) -> list[str]:
        """Return the names of the constructor's parameters and the function's."""
        keywords = () if maker is None else maker.keywords
        return sorted({*dict(self._own_parameters()), *keywords})

    def _keywords(self) -> dict[str, Any]:
        """Return the function's keywords with their defaults.

        Not those that are parameters of the estimator too: a clone would be given the
        function's default, where the estimator's value is left open.
        """
        maker = self._maker()
        if maker is None:
            return {}
        own = dict(self._own_parameters())
        return {
            name: default
            for name, default in maker.keywords.items()
            if default is not MISSING and name not in own
        }

    def _maker(self, **given: Any) -> Maker | None:
        """Return the function that makes the network, None where there is none."""
        model = {**vars(self), **given}.get("model")
        if model is None:
            model = self._keras_build_fn
        return maker_of(model)


def _storing(constructor: Any) -> Any:
    """Return a subclass's constructor that stores the names with a prefix it takes.

    As in SciKeras's tutorials: they name ``optimizer__learning_rate``, and leave it.
    """
    signature = inspect.signature(constructor)
    named = [name for name in signature.parameters if "__" in name.strip("_")]
    if not named:
        return constructor

    @functools.wraps(constructor)
    def __init__(self: Any, *args: Any, **given: Any) -> None:  # noqa: N807
        constructor(self, *args, **given)
        bound = signature.bind(self, *args, **given)
        bound.apply_defaults()
        for name in named:
            if name not in {**vars(self), **vars(self).get("_given", {})}:
                vars(self)[name] = bound.arguments[name]

    return __init__


def own_names(kind: type) -> tuple[str, ...]:
    """Return the parameters that a class's constructor takes, by its signature.

    And those of the constructors before it, where it hands on what it does not name.
    """
    return _names_of_constructors(kind.__mro__)


@functools.lru_cache(maxsize=64)
def _names_of_constructors(lineage: tuple[Any, ...]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for each in lineage:
        if "__init__" not in vars(each) or each is object:
            continue
        _, *parameters = inspect.signature(vars(each)["__init__"]).parameters.values()
        kinds = (
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            inspect.Parameter.KEYWORD_ONLY,
        )
        names.update(dict.fromkeys(p.name for p in parameters if p.kind in kinds))
        if all(p.kind is not inspect.Parameter.VAR_KEYWORD for p in parameters):
            break
    return tuple(names)
