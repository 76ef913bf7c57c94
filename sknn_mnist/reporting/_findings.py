"""What a search found, in a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sknn_mnist._cv_results import (
    Keys,
    candidate_numbers,
    chosen_metric,
    cv_results_frame,
    identity_of_parameters,
    judged,
    metrics_of,
    resource_of,
)
from sknn_mnist._messages import counted

__all__ = ["findings_of"]

# Candidates of one score that are named; the others are counted.
MOST_NAMED = 3

# Characters of a parameter's value.
LONGEST = 60

# Scores closer than this differ in the order of an addition alone.
ROUNDING = 1e-12

# What is said of a search by Hyperband that ended before all brackets were run.
ENDED = {
    "max_time": " It ended early, since its time was over.",
    "patience": " It ended early, since candidates bettered nothing for so long.",
}


def findings_of(search: Any, scoring: str) -> str:
    """Tell which candidate is best, how good it is and how far the next one is.

    Parameters
    ----------
    search : fitted search
        Of any kind that has a ``cv_results_``.
    scoring : str
        What the score is called that a search by one metric calls "score".

    Returns
    -------
    str
        A sentence, or one for each metric where the search chose by none of several.
        After halving it compares the candidates that came to the last iteration. By
        Hyperband it compares the best of each candidate, and one more sentence tells
        how many epochs were spared.
    """
    results = cv_results_frame(search)
    metrics = metrics_of(results)
    return _compared(search, results, metrics, scoring) + _spared(
        search, results, metrics
    )


def _compared(
    search: Any, results: pd.DataFrame, metrics: list[str], scoring: str
) -> str:
    refit = getattr(search, "refit", None)
    chosen = getattr(search, "best_index_", None)
    if len(metrics) == 1:
        # By a callable, the search may choose another than the best.
        return _Finding(results, metrics[0], scoring, chosen).sentence(callable(refit))
    main = chosen_metric(search, metrics)
    by_rule = chosen is not None and callable(refit)
    if by_rule and main is None:
        main = metrics[0]
    if main is not None:
        others = [name for name in metrics if name != main]
        finding = _Finding(results, main, scoring, chosen)
        return finding.sentence(by_rule=by_rule, others=others)
    return " ".join(
        _Finding(results, metric, scoring, None).sentence(by=True) for metric in metrics
    )


def _spared(search: Any, results: pd.DataFrame, metrics: list[str]) -> str:
    """Return what Hyperband spared by not training all candidates to the end."""
    if "bracket" not in results:
        return ""
    came_to = results.groupby("candidate")["n_resources"].max()
    most = getattr(search, "max_epochs", came_to.max())
    n_folds = max(_n_folds(results, metrics[0]), 1)
    whole = n_folds * len(came_to) * most
    trained = getattr(search, "n_epochs_", n_folds * came_to.sum())
    ended = ENDED.get(getattr(search, "stopped_by_", None) or "", "")
    if trained == whole:
        return ended
    share = math.floor(100 * (1 - trained / whole))
    folds = "" if n_folds == 1 else " over all folds"
    return (
        f" Candidates came to {trained:,} epochs{folds}, in place of {whole:,} if none "
        f"had been stopped: {share} % were spared.{ended}"
    )


class _Finding:
    """The candidates that are compared, by one metric."""

    def __init__(
        self, results: pd.DataFrame, metric: str, scoring: str, chosen: int | None
    ) -> None:
        self.keys = Keys(results, "findings_of")
        self.metric = metric
        self.called = scoring if metric == "score" else metric
        self.n_folds = _n_folds(results, metric)
        failed = results[f"mean_test_{metric}"].isna()
        self.n_failed = int(failed.sum())
        self.is_hyperband = "bracket" in results
        self.is_halving = "iter" in results and not self.is_hyperband
        self.n_candidates = len(results)
        self.all = results
        self.last = judged(results)
        if self.is_halving:
            self.n_candidates = int((results["iter"] == results["iter"].min()).sum())
            # One that fails may fail in several iterations.
            self.n_failed = int(failed.groupby(results["iter"]).sum().max())
        elif self.is_hyperband:
            numbers = candidate_numbers(results)
            self.n_candidates = numbers.nunique()
            self.n_failed = int(failed.groupby(numbers).any().sum())
            self.last = _best_of_each(results, metric, chosen)
        scores = self.last[f"mean_test_{metric}"].astype(float)
        self.scores = scores[scores.notna()].sort_values(ascending=False, kind="stable")
        known = chosen is not None and chosen in self.scores.index
        self.best: Any = chosen if known else next(iter(self.scores.index), None)

    def sentence(
        self, by_rule: bool = False, by: bool = False, others: Sequence[str] = ()
    ) -> str:
        """Return what was found.

        Parameters
        ----------
        by_rule : bool, default=False
            Whether the search chose by a rule of its own, not by the score alone.
        by : bool, default=False
            Whether to say by which metric.
        others : sequence of str, default=()
            Other metrics to tell of the best.
        """
        if self.best is None:
            return f"{self._opening()}, none could be scored: every fit failed."
        name = self._name(self.best)
        score = self._score(self.best) + self._others(others)
        if self.n_candidates == 1:
            only = f"The only candidate, {name}," if name else "The only candidate"
            return f"{only} has {score} in {self._folds()}."
        opening = self._opening()
        if by_rule:
            rule = f"the search's own rule chose {name}"
            return f"{opening}, {rule}: {score}{self._highest()}."
        measured = f" by {self.called}" if by else ""
        alike = self._alike()
        if len(alike) > 1:
            named = _listed([self._name(each) for each in alike])
            taken = "" if by else f"; the search took {name}"
            return (
                f"{opening}, {len(alike)} are best alike{measured}, {named}: "
                f"{score}{taken}."
            )
        if self.is_halving and len(self.last) == 1:
            return f"{opening}, {name} is left{measured}: {score}."
        return f"{opening}, {name} is best{measured}: {score}{self._next()}."

    def _opening(self) -> str:
        opening = f"Of {counted(self.n_candidates, 'candidate')} in {self._folds()}"
        failed = ""
        if self.best is not None and self.n_failed:
            failed = f", {self.n_failed} of which failed"
        if self.is_hyperband:
            brackets = counted(self.all["bracket"].nunique(), "bracket")
            return f"{opening} and {brackets} of Hyperband{failed}"
        if not self.is_halving:
            return f"{opening}{failed}"
        rounds = counted(self.all["iter"].nunique(), "iteration")
        left = f", the last of which {len(self.last)} reached"
        if len(self.last) == 1:
            left = ""
        return f"{opening} and {rounds} of halving{left}{failed}"

    def _next(self) -> str:
        """Return how far the next candidate is from the best."""
        rest = self.scores.drop(self.best)
        if rest.empty:
            return "; no other could be scored"
        at, following = rest.index[0], rest.iloc[0]
        spread = self._spread(self.best)
        name = f"the next one, {self._name(at)} ({_number(following)}),"
        gap = self.scores[self.best] - following
        if spread is None:
            return f"; {name} is {_number(gap)} below"
        near = int((self.scores[self.best] - rest <= spread).sum())
        if not near:
            return f"; {name} is more than one standard deviation below"
        so = ""
        if near == 2:
            so = ", and so is 1 other"
        elif near > 2:
            so = f", and so are {near - 1} others"
        return f"; {name} is within one standard deviation{so}"

    def _alike(self) -> list[Any]:
        """Return the candidates that share the best score, as the search has them."""
        best = self.scores[self.best]
        near = (self.scores - best).abs() <= _close(best)
        return sorted(self.scores.index[near])

    def _highest(self) -> str:
        """Return which candidate has a higher score than the chosen one, if any."""
        # Of all rows that were judged: it may be the same candidate at another rung.
        scores = judged(self.all)[f"mean_test_{self.metric}"].astype(float)
        highest: Any = scores.idxmax()
        best = float(scores[highest])
        if self.scores[self.best] >= best - _close(best):
            return ""
        name = self._name(highest)
        return f"; the highest score is {_number(best)}, of {name}"

    def _others(self, metrics: Sequence[str]) -> str:
        told = [self._score(self.best, name) for name in metrics]
        return f" (its other scores: {', '.join(told)})" if told else ""

    def _score(self, row: Any, metric: str | None = None) -> str:
        metric = metric or self.metric
        value = float(self.all.loc[row, f"mean_test_{metric}"])
        called = self.called if metric == self.metric else metric
        if math.isnan(value):
            return f"failed {called}"
        spread = self._spread(row, metric)
        around = "" if spread is None else f" ± {_number(spread, value)}"
        return f"{_number(value)}{around} {called}"

    def _spread(self, row: Any, metric: str | None = None) -> float | None:
        """Return the standard deviation over the folds; None where there is none."""
        column = f"std_test_{metric or self.metric}"
        if self.n_folds == 1 or column not in self.all:
            return None
        spread = float(self.all.loc[row, column])
        return None if math.isnan(spread) else spread

    def _name(self, row: Any) -> str:
        params: Mapping[str, Any] = self.all.loc[row, "params"]
        return ", ".join(
            f"{self.keys.short(f'param_{name}')}={_text(value)}"
            for name, value in params.items()
        )

    def _folds(self) -> str:
        return counted(self.n_folds, "fold") if self.n_folds else "cross-validation"


def _best_of_each(
    results: pd.DataFrame, metric: str, chosen: int | None
) -> pd.DataFrame:
    """Return the best row of each set of parameters, whatever its epochs.

    Lists of values may be drawn from twice; and whom the search chose is there.
    """
    resource = (resource_of(results) or "").removeprefix("param_")
    known = results["params"].map(
        lambda params: identity_of_parameters(params, without=resource)
    )
    scores = results[f"mean_test_{metric}"].astype(float)
    order = list(scores.sort_values(ascending=False, kind="stable").index)  # NaN last
    if chosen is not None:
        order = [chosen, *(row for row in order if row != chosen)]
    first = ~known[order].duplicated()
    return results.loc[first[first].index.sort_values()]


def _n_folds(results: pd.DataFrame, metric: str) -> int:
    ending = f"_test_{metric}"
    return sum(
        str(name).startswith("split") and str(name).endswith(ending)
        for name in results.columns
    )


def _listed(names: list[str]) -> str:
    shown, more = names[:MOST_NAMED], len(names) - MOST_NAMED
    if more > 0:
        return f"{'; '.join(shown)} and {more} more"
    return f"{'; '.join(shown[:-1])} and {shown[-1]}"


def _number(value: float, beside: float | None = None) -> str:
    """Return a score as the table has it, unless it would read as 0 there."""
    scale = abs(value if beside is None else beside)
    if math.isfinite(scale) and 0 < scale < 0.01:
        return f"{value:.3g}"
    return f"{value:.4f}"


def _close(score: float) -> float:
    return ROUNDING * max(abs(score), 1.0) if np.isfinite(score) else 0.0


def _text(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
