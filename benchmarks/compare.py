"""This package beside SciKeras, scikit-learn's MLP and skorch, in one run.

    python benchmarks/compare.py --data mnist.npz [--out results.json] [--only tiny]

Each measurement is a process of its own, one after the other, the libraries taking
turns, three times. Prints a markdown table of medians: seconds, the ratio to
SciKeras, peak memory, accuracy. Some twenty minutes on two cores. Needs the extra
`bench`; libraries that are not installed are left out, and said to be.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

WORKLOADS = Path(__file__).with_name("workloads.py")

# What each library needs installed.
PACKAGES = {
    "sknn_mnist": "sknn_mnist",
    "memory-process": "sknn_mnist",  # with memory=":memory:"
    "memory-folder": "sknn_mnist",  # with memory= an empty folder
    # One's own `make_model`, by each wrapper.
    "own": "sknn_mnist",
    "own-memory": "sknn_mnist",
    "own-scikeras": "scikeras",
    "scikeras": "scikeras",
    "mlp": "scikit-learn",
    "skorch": "skorch",
    "keras": "keras",
    "floor": "numpy",
}
GRID = ["sknn_mnist", "scikeras", "mlp", "skorch"]
MEMORY = ["memory-process", "memory-folder"]
# Name, case of `workloads.py`, rows, libraries.
RUNS: list[tuple[str, str, int | None, list[str]]] = [
    ("dense-grid", "dense-grid", None, [*MEMORY, *GRID, "floor"]),
    (
        "own-grid",
        "dense-grid",
        None,
        ["sknn_mnist", "own", "memory-process", "own-memory", "own-scikeras"],
    ),
    ("long-grid", "long-grid", None, [*MEMORY, "sknn_mnist", "mlp"]),
    ("cnn-grid", "cnn-grid", None, ["sknn_mnist", "scikeras", "skorch"]),
    ("tiny", "tiny", None, GRID),
    ("full-dense", "full-dense", None, ["sknn_mnist", "keras", "mlp", "skorch"]),
    ("full-cnn", "full-cnn", None, ["sknn_mnist", "keras", "skorch"]),
    *(
        (f"growth-{rows}", "dense-grid", rows, ["sknn_mnist", "mlp", "floor"])
        for rows in (2500, 5000, 10_000, 20_000)
    ),
]
TITLES = {
    "dense-grid": "(a) dense grid, 10,000 rows: epochs [1, 5, 10] × hidden_size "
    "[32, 64, 256], cv=3; floor (f): its matrix products alone",
    "own-grid": "(h) the same by KerasClassifier(make_model), beside DenseClassifier "
    "and SciKeras with the same function",
    "long-grid": "(g) the dense grid with epochs [5, 10, 20, 50]",
    "cnn-grid": "(b) CNN grid, 6,000 rows: epochs [1, 3] × filters [8, 32] × dropout "
    "[0, 0.25], cv=3",
    "tiny": "(c) 100 fits and predicts of one epoch on 8×8 digits, after the first",
    "full-dense": "(d) all of MNIST, dense, 10 epochs",
    "full-cnn": "(d) all of MNIST, the CNN of 32 and 32 filters, one epoch",
    "growth": "(e) the dense grid at {rows} rows",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="MNIST as Keras's .npz")
    parser.add_argument("--out", type=Path, help="JSON file for the results")
    parser.add_argument("--repeats", type=int, default=3)
    names = [run[0] for run in RUNS]
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    args = parser.parse_args()
    results = []
    for name, case, rows, libraries in RUNS:
        if name not in args.only:
            continue
        there = [library for library in libraries if _version(library)]
        for repeat in range(args.repeats):
            for library in there:
                measured = _measure(case, library, rows, args.data)
                results.append({"run": name, "library": library, **measured})
                print(name, library, repeat, measured, file=sys.stderr, flush=True)
        print(_table(name, [r for r in results if r["run"] == name], libraries))
    if args.out:
        args.out.write_text(
            json.dumps({"machine": _machine(), "results": results}, indent=1)
        )


def _measure(case: str, library: str, rows: int | None, data: str) -> dict[str, Any]:
    command = [sys.executable, str(WORKLOADS), case, library, "--data", data]
    if rows:
        command += ["--rows", str(rows)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, check=True, text=True
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _table(name: str, results: list[dict[str, Any]], libraries: list[str]) -> str:
    prefix, _, rows = name.partition("-")
    title = TITLES["growth"].format(rows=rows) if prefix == "growth" else TITLES[name]
    bases = ("keras", "scikeras", "floor", "sknn_mnist")
    base = next(each for each in bases if each in libraries)
    lines = [
        f"\n{title}\n",
        f"| library | seconds (median) | {base} takes | peak MB | accuracy |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    seconds = {
        library: [r["seconds"] for r in results if r["library"] == library]
        for library in libraries
    }
    for library in libraries:
        mine = [r for r in results if r["library"] == library]
        if not mine:
            lines.append(f"| {library} | not installed | | | |")
            continue
        ratio = (
            f"{median(seconds[base]) / median(seconds[library]):.2f} ×"
            if seconds[base]
            else ""
        )
        lines.append(
            f"| {library} | {median(seconds[library]):.2f} | {ratio} "
            f"| {median(r['peak_mb'] for r in mine):.0f} "
            f"| {median(r['accuracy'] for r in mine):.4f} |"
        )
    return "\n".join(lines)


def _version(library: str) -> str | None:
    try:
        return importlib.metadata.version(PACKAGES[library])
    except importlib.metadata.PackageNotFoundError:
        return None


def _machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        **{library: _version(library) for library in PACKAGES},
        "tensorflow": importlib.metadata.version("tensorflow"),
    }


if __name__ == "__main__":
    main()
