"""MNIST as other people's images: written in every form, and read by `load_images`.

    python benchmarks/mnist_as_images.py --out FOLDER [--data mnist.npz] [--n 70000]

Writes PNGs in class folders (`pngs/train/0` to `pngs/test/9`), a pair of CSV files, of
parquet files and of .npz and .npy files with a split, and reads each in a process of
its own. Prints seconds, images a second, and the peak of resident memory beside what
the process had before. FOLDER is left for other programs, such as

    sknn-mnist fit --data FOLDER/pngs --model cnn
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

NAMES = ("x_train", "y_train", "x_test", "y_test")

READ = """
import sys
from time import perf_counter
import numpy, pandas, PIL.Image
from sknn_mnist.datasets import load_images

try:
    import pyarrow.parquet
except ImportError:
    pass


def peak():  # Linux's, as getrusage's is the parent's where that was larger
    with open("/proc/self/status") as file:
        lines = dict(line.split(":", 1) for line in file)
    return int(lines["VmHWM"].split()[0]) / 1024


path, test, mode = sys.argv[1:]
before, start = peak(), perf_counter()
bunch = load_images(path, test_data=test or None, as_paths=mode == "paths")
seconds = perf_counter() - start
if mode == "touched":  # mapped arrays are not read before
    bunch.X_train.sum(), bunch.X_test.sum()
n = len(bunch.X_train) + len(bunch.X_test)
print(seconds, n, peak() - before, (bunch.X_train.nbytes + bunch.X_test.nbytes) / 2**20)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="mnist.npz; by default where load_mnist looks")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--n", type=int, default=70_000, help="images, 1 in 7 to test")
    args = parser.parse_args()
    write(args.out, *first(args.n, args.data))
    print("\n| form | seconds | images/s | X, MB | peak beside, MB |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, path, test, mode in (
        ("PNG folders", "pngs", "", "images"),
        ("PNG folders, paths alone", "pngs", "", "paths"),
        ("CSV", "train.csv", "test.csv", "images"),
        ("parquet", "train.parquet", "test.parquet", "images"),
        (".npz", "mnist.npz", "", "images"),
        (".npy, mapped", "npy", "", "images"),
        (".npy, mapped and read", "npy", "", "touched"),
    ):
        print(measured(name, args.out / path, test and args.out / test, mode))


def first(n: int, path: str | None) -> tuple[np.ndarray, ...]:
    """Return the first images of both parts, uint8, with their labels."""
    from sknn_mnist.datasets import find_mnist, load_images

    bunch = load_images(find_mnist(path))
    n_train, n_test = n - n // 7, n // 7
    return (
        bunch.X_train[:n_train],
        bunch.y_train[:n_train],
        bunch.X_test[:n_test],
        bunch.y_test[:n_test],
    )


def write(out: Path, *arrays: np.ndarray) -> None:
    """Write all forms, and print what each took."""
    out.mkdir(parents=True, exist_ok=True)
    for name, writer in (
        ("pngs", write_pngs),
        ("csv", lambda *args: write_tables(*args, ending="csv")),
        ("parquet", lambda *args: write_tables(*args, ending="parquet")),
        ("npz", write_npz),
        ("npy", write_npy),
    ):
        start = perf_counter()
        writer(out, *arrays)
        print(f"wrote {name} in {perf_counter() - start:.1f} s", file=sys.stderr)


def write_pngs(out: Path, *arrays: np.ndarray) -> None:
    from PIL import Image

    for part, X, y in (("train", *arrays[:2]), ("test", *arrays[2:])):
        for label in np.unique(y):
            (out / "pngs" / part / str(label)).mkdir(parents=True, exist_ok=True)
        for place, (image, label) in enumerate(zip(X, y, strict=True)):
            file = out / "pngs" / part / str(label) / f"{place:05}.png"
            Image.fromarray(image).save(file)


def write_tables(out: Path, *arrays: np.ndarray, ending: str) -> None:
    import pandas as pd

    for part, X, y in (("train", *arrays[:2]), ("test", *arrays[2:])):
        table = pd.DataFrame(X.reshape(len(X), -1)).add_prefix("pixel")
        table.insert(0, "label", y)
        if ending == "csv":
            table.to_csv(out / f"{part}.csv", index=False)
        else:
            table.to_parquet(out / f"{part}.parquet", index=False)


def write_npz(out: Path, *arrays: np.ndarray) -> None:
    np.savez(out / "mnist.npz", **dict(zip(NAMES, arrays, strict=True)))


def write_npy(out: Path, *arrays: np.ndarray) -> None:
    (out / "npy").mkdir(exist_ok=True)
    for name, array in zip(NAMES, arrays, strict=True):
        np.save(out / "npy" / f"{name}.npy", array)


def measured(name: str, path: Path, test: Path | str, mode: str) -> str:
    """Return a row of the table, read by a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path), str(test), mode],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, n, beside, X = map(float, done.stdout.split())
    return f"| {name} | {seconds:.2f} | {n / seconds:,.0f} | {X:.0f} | {beside:.0f} |"


if __name__ == "__main__":
    main()
