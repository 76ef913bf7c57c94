"""This package beside SciKeras, scikit-learn's MLP and skorch, in one run.

    python benchmarks/compare.py --data mnist.npz [--out results.json] [--only tiny]
        [--libraries sknn_mnist mlp] [--n-jobs 2]

Each measurement is a process of its own, one after the other, the libraries taking
turns, three times. Prints what it ran on, and a markdown table of medians: seconds,
the ratio to SciKeras, peak memory, accuracy. Some twenty minutes on two cores. Needs
the extra `bench`; libraries that are not installed are left out, and said to be.

With `--n-jobs` the searches run side by side: this package's in threads, the others' in
joblib's own worker processes (loky), which is what their users get. Peak memory is then
still that of the first process, without its workers.
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

from machine import in_words, machine

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
    parser.add_argument(
        "--libraries", nargs="+", choices=PACKAGES, default=list(PACKAGES)
    )
    parser.add_argument("--n-jobs", type=int, default=1, help="of the searches")
    args = parser.parse_args()
    facts = machine()
    print(in_words(facts))
    results = []
    for name, case, rows, all_libraries in RUNS:
        libraries = [each for each in all_libraries if each in args.libraries]
        if name not in args.only or not libraries:
            continue
        there = [library for library in libraries if _version(library)]
        for repeat in range(args.repeats):
            for library in there:
                measured = _measure(case, library, rows, args.data, args.n_jobs)
                results.append({"run": name, "library": library, **measured})
                print(name, library, repeat, measured, file=sys.stderr, flush=True)
        title = _title(name, case, args.n_jobs)
        mine = [result for result in results if result["run"] == name]
        print(_table(title, mine, libraries))
    if args.out:
        ran_on = {**facts, "n_jobs": args.n_jobs, **_versions()}
        args.out.write_text(
            json.dumps({"machine": ran_on, "results": results}, indent=1)
        )


def _measure(
    case: str, library: str, rows: int | None, data: str, n_jobs: int
) -> dict[str, Any]:
    command = [sys.executable, str(WORKLOADS), case, library, "--data", data]
    command += ["--n-jobs", str(n_jobs)]
    if rows:
        command += ["--rows", str(rows)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, check=True, text=True
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _title(name: str, case: str, n_jobs: int) -> str:
    prefix, _, rows = name.partition("-")
    title = TITLES["growth"].format(rows=rows) if prefix == "growth" else TITLES[name]
    # The other cases search nothing, and the floor is one process's in any case.
    return f"{title}; n_jobs={n_jobs}" if n_jobs > 1 and "grid" in case else title


def _table(title: str, results: list[dict[str, Any]], libraries: list[str]) -> str:
    bases = ("keras", "scikeras", "floor", "sknn_mnist", *libraries)
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


def _versions() -> dict[str, str | None]:
    return {
        "python": platform.python_version(),
        **{library: _version(library) for library in PACKAGES},
        "tensorflow": importlib.metadata.version("tensorflow"),
    }


if __name__ == "__main__":
    main()
