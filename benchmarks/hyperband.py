"""Hyperband beside other searches: accuracy against seconds, in one run.

    python benchmarks/hyperband.py --data mnist.npz [--seeds 5] [--max-epochs 27]
        [--only hyperband halving-wide] [--out hyperband.json]

6,000 rows of MNIST, three folds, the dense net; hidden size, dropout, learning rate,
batch size and batch normalisation are searched. Each search is a process of its own,
one after the other, the methods taking turns (`hyperband_methods.py` has them). Prints
markdown tables of medians over the seeds. Two more ways of halving are there to be
asked for by `--only`. Needs the extra `bench`; what is not installed is left out, and
said to be.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median, stdev
from typing import Any

METHODS = Path(__file__).with_name("hyperband_methods.py")

OURS = "hyperband"
NAMES = {
    OURS: "`HyperbandSearchCV`",
    "halving": "`HalvingRandomSearchCV`",
    "halving-memory": "`HalvingRandomSearchCV`, with memory",
    "halving-wide": "`HalvingRandomSearchCV`, with memory, of Hyperband's budget",
    "random": "`RandomizedSearchCV`, all to the end",
    "optuna": "Optuna: TPE, `HyperbandPruner`, with memory",
    "keras-tuner": "Keras Tuner's `Hyperband`, one split",
}
# The first has the results of the one with memory, and takes longer.
IF_ASKED_FOR = ["halving", "halving-wide"]

# What it needs installed; Keras Tuner imports TensorBoard, and does not require it.
PACKAGES = {"optuna": ["optuna"], "keras-tuner": ["keras-tuner", "tensorboard"]}

Results = dict[str, list[dict[str, Any]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="MNIST as Keras's .npz")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--max-epochs", type=int, default=27)
    usual = [method for method in NAMES if method not in IF_ASKED_FOR]
    parser.add_argument("--only", nargs="+", choices=NAMES, default=usual)
    parser.add_argument("--out", type=Path, help="JSON file for the results")
    args = parser.parse_args()
    there = [each for each in NAMES if each in args.only and _is_installed(each)]
    results: Results = {method: [] for method in there}
    for seed in range(args.seeds):
        # Another one begins each time: machines tire and recover.
        for place in range(len(there)):
            method = there[(place + seed) % len(there)]
            found = _measured(method, seed, args.max_epochs, args.data)
            results[method].append({"seed": seed, **found})
            told = {name: each for name, each in found.items() if name != "course"}
            print(method, seed, told, file=sys.stderr, flush=True)
    print(_table(results))
    for method in args.only:
        if method not in there:
            print(f"| {NAMES[method]} | not installed | | | | | | |")
    if OURS in there and len(there) > 1:
        print(_times_to_the_others_accuracy(results))
    if args.out:
        there_too = {"machine": _machine(), "max_epochs": args.max_epochs}
        args.out.write_text(json.dumps({**there_too, "results": results}, indent=1))


def _measured(method: str, seed: int, max_epochs: int, data: str) -> dict[str, Any]:
    done = subprocess.run(
        [
            *(sys.executable, str(METHODS), method, "--data", data),
            *("--seed", str(seed), "--max-epochs", str(max_epochs)),
        ],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _table(results: Results) -> str:
    lines = [
        "| search | candidates | epochs trained | of all to the end | seconds "
        "| CPU seconds | accuracy | from - to |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for method, runs in results.items():
        share = median(run["epochs"] / run["full"] for run in runs)
        accuracies = _of(runs, "accuracy")
        lines.append(
            f"| {NAMES[method]} | {median(_of(runs, 'candidates')):g} "
            f"| {median(_of(runs, 'epochs')):,g} | {share:.2f} "
            f"| {median(_of(runs, 'seconds')):.1f} "
            f"| {median(_of(runs, 'cpu_seconds')):.1f} | {median(accuracies):.4f} "
            f"| {min(accuracies):.4f} - {max(accuracies):.4f} |"
        )
    return "\n".join(lines)


def _times_to_the_others_accuracy(results: Results) -> str:
    """Return a table of when each search had what is as accurate as the best other."""
    others = {method: runs for method, runs in results.items() if method != OURS}
    best = max(others, key=lambda method: median(_of(others[method], "accuracy")))
    accuracies = _of(others[best], "accuracy")
    noise = stdev(accuracies) if len(accuracies) > 1 else 0.0
    target = median(accuracies) - noise
    lines = [
        f"\nThe best of the others is {NAMES[best]}: {median(accuracies):.4f}, with a "
        f"standard deviation of {noise:.4f} over the seeds. Seconds after which the "
        f"best so far, trained on all rows, has {target:.4f} or more:\n",
        "| search | seconds (median) | from - to | seeds that came to it |",
        "| --- | ---: | ---: | ---: |",
    ]
    for method, runs in results.items():
        reached = [_first_time(run["course"], target) for run in runs]
        # A seed that never came to it is slower than all that did.
        middle = median(reached)
        told = "never" if middle == float("inf") else f"{middle:.1f}"
        there = [each for each in reached if each < float("inf")]
        spread = f"{min(there):.1f} - {max(there):.1f}" if there else ""
        lines.append(
            f"| {NAMES[method]} | {told} | {spread} | {len(there)} of {len(runs)} |"
        )
    return "\n".join(lines)


def _first_time(course: Sequence[dict[str, Any]], target: float) -> float:
    times = [best["seconds"] for best in course if best["accuracy"] >= target]
    return min(times, default=float("inf"))


def _of(runs: Sequence[dict[str, Any]], name: str) -> list[float]:
    return [run[name] for run in runs]


def _is_installed(method: str) -> bool:
    return all(map(_version, PACKAGES.get(method, [])))


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _machine() -> dict[str, Any]:
    packages = ("tensorflow", "keras", "scikit-learn", "optuna", "keras-tuner")
    return {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        **{package: _version(package) for package in packages},
    }


if __name__ == "__main__":
    main()
