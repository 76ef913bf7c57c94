"""The figure of the benchmarks: what each library takes, by the results of compare.py.

python benchmarks/draw.py [--results benchmarks/results.json] [--out benchmark.png]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

HERE = Path(__file__).parent
PANELS = {
    "dense-grid": "dense grid",
    "long-grid": "dense grid, 50 epochs",
    "cnn-grid": "CNN grid",
    "full-dense": "dense, all of MNIST",
    "full-cnn": "CNN, all of MNIST",
}
NAMES = {
    "memory-process": "sknn_mnist, memory",
    "sknn_mnist": "sknn_mnist",
    "mlp": "MLPClassifier",
    "skorch": "skorch",
    "keras": "keras.Model.fit",
    "scikeras": "SciKeras",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=HERE / "results.json")
    parser.add_argument("--out", type=Path, default=HERE / "benchmark.png")
    args = parser.parse_args()
    results = pd.DataFrame(pd.read_json(args.results, typ="series")["results"])
    medians = results.groupby(["run", "library"])["seconds"].median()
    heights = [sum(name in medians[run] for name in NAMES) for run in PANELS]
    figure, axes = plt.subplots(
        len(PANELS),
        figsize=(7, 0.27 * sum(heights) + 0.45 * len(PANELS)),
        height_ratios=heights,
        layout="constrained",
    )
    for ax, (run, title) in zip(axes, PANELS.items(), strict=True):
        names = [name for name in NAMES if name in medians[run]][::-1]
        bars = ax.barh(
            [NAMES[name] for name in names],
            [medians[run, name] for name in names],
            # Blue and grey, apart for every eye.
            color=["#0072b2" if "sknn" in NAMES[name] else "#b5b5b5" for name in names],
        )
        ax.bar_label(bars, fmt="%.1f s", padding=3, fontsize=8)
        ax.set_title(title, loc="left", fontsize=9)
        ax.tick_params(labelsize=8, bottom=False, labelbottom=False, left=False)
        ax.spines[:].set_visible(False)
        ax.margins(x=0.12)
    figure.savefig(args.out, dpi=110)
    print(f"figure: {args.out}")


if __name__ == "__main__":
    main()
