"""How a search of 10,000 fits scales with the workers of a Dask cluster, on paper.

    python benchmarks/dask_scaling.py --data mnist.npz

Measures on a local cluster of two workers what a fit takes, what sending X takes, what
a task costs the scheduler and joblib, and what starting the workers takes; and reckons
from that what 1, 10 and 100 workers would take.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import joblib
import numpy as np
from distributed import Client, LocalCluster
from sklearn.model_selection import GridSearchCV, ShuffleSplit

from sknn_mnist import DenseClassifier

FITS = 10_000

# Of one, joblib would do its work itself.
WORKERS = 2


def nothing(X: np.ndarray, place: int) -> int:
    return place


def started(X: np.ndarray) -> None:
    """Train once: a worker imports the package and compiles a net for it."""
    DenseClassifier(epochs=1, random_state=0).fit(X[:256], np.arange(256) % 10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    args = parser.parse_args()
    with np.load(args.data) as arrays:
        X = (arrays["x_train"][:10_000] / np.float32(255)).reshape(10_000, -1)
        y = arrays["y_train"][:10_000]
    begin = time.perf_counter()
    with (
        LocalCluster(
            n_workers=WORKERS,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
        ) as cluster,
        Client(cluster) as client,
    ):
        client.run(started, X)
        first = time.perf_counter() - begin

        sending = []
        for _ in range(3):
            start = time.perf_counter()
            client.scatter(X, broadcast=True, hash=False)
            sending.append(time.perf_counter() - start)

        n_tasks = 1000
        with joblib.parallel_config(backend="dask", scatter=[X]):
            start = time.perf_counter()
            # As fits are sent, which are too long to be put together.
            joblib.Parallel(batch_size=1)(
                joblib.delayed(nothing)(X, place) for place in range(n_tasks)
            )
            task = (time.perf_counter() - start) / n_tasks

        n_fits = 20
        search = GridSearchCV(
            DenseClassifier(random_state=0),
            {"hidden_size": [32]},
            cv=ShuffleSplit(n_fits, test_size=1 / 3, random_state=0),
            refit=False,
        )
        with joblib.parallel_config(backend="dask", scatter=[X, y]):
            search.fit(X, y)  # the worker compiles
            start = time.perf_counter()
            search.fit(X, y)
            fit = (time.perf_counter() - start) * WORKERS / n_fits - task
    send = median(sending)
    print(f"a fit of 10 epochs on 6,667 rows, with its scoring: {fit:.3f} s")
    print(f"starting the workers, import, first fit: {first:.1f} s")
    print(f"sending X, {X.nbytes / 1e6:.0f} MB, to both: {send:.2f} s")
    print(f"a task, without its work: {1000 * task:.1f} ms")
    print(f"\n| workers | {FITS:,} fits | speed-up | bound by |")
    print("| ---: | ---: | ---: | --- |")
    alone = None
    for workers in (1, 10, 30, 100, 300):
        # Sent from one place to one worker after the other, at worst.
        ready = first + send / WORKERS * workers
        work, tasks = FITS * fit / workers, FITS * task
        total = ready + max(work, tasks)
        alone = alone or total
        bound = "the fits" if work > tasks else "tasks"
        print(f"| {workers} | {total:,.0f} s | {alone / total:.1f} | {bound} |")


if __name__ == "__main__":
    main()
