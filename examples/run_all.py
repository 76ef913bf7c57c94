"""
Every figure of the lesson, in a folder
=======================================

    python examples/run_all.py --dataset mnist --full --out figures

runs the examples one after the other, each in a process of its own, and ends with
what each took.
"""

import subprocess
import sys
from pathlib import Path
from time import perf_counter

from sknn_mnist.lesson import arguments

args = arguments(__doc__)
options = ["--dataset", args.dataset, "--out", str(args.out)]
if args.full:
    options.append("--full")
times = {}
for path in sorted(
    Path(__file__).parent.glob("*/plot_*.py"), key=lambda path: path.name
):
    print(f"\n== {path.name}", flush=True)
    start = perf_counter()
    subprocess.run([sys.executable, str(path), *options], check=True)
    times[path.name] = perf_counter() - start
print()
for name, seconds in times.items():
    print(f"{seconds:7.1f} s  {name}")
