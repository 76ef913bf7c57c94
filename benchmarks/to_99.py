"""The race to 99 %: seconds from `fit` to 0.99 on MNIST's 10,000 test images.

    python benchmarks/to_99.py --data mnist.npz [--seeds 5] [--beside]

A recipe has a fixed number of epochs, on all 60,000 training images. Its seconds are
those of the one call of `fit`, what it builds and traces among them; its accuracy is
that of `predict` afterwards, which is not counted, nor are imports and the scaling of
the pixels to 0 to 1. Each fit is a process of its own, so that no one finds traced
what the one before left; recipes take turns. `--beside` also trains
`CNNClassifier(epochs=5)`, the lesson's net. `--recipes` names those to train, each a
step from the one before: see RECIPES. The test images have no say in training; but
the recipes were chosen by them, so their accuracies flatter a little.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable
from math import ceil
from statistics import median
from typing import Any

import numpy as np
from machine import in_words, machine

from sknn_mnist import CNNClassifier, KerasClassifier

MARK = 0.99
BATCH, PEAK = 128, 0.01  # of learning rates


def one_cycle(epochs: int) -> Any:
    """Return a learning rate that climbs to PEAK in a fifth of the steps, and falls."""
    from keras.optimizers.schedules import CosineDecay

    steps = epochs * ceil(60_000 / BATCH)
    climb = steps // 5
    return CosineDecay(PEAK / 10, steps - climb, warmup_target=PEAK, warmup_steps=climb)


def make_net(stride: int = 1, batch_norm: bool = True) -> Any:
    """Return a net whose first convolution pools, or takes every second position."""
    import keras
    from keras import layers

    def relu() -> list[Any]:
        normalised = [layers.BatchNormalization(momentum=0.9)] if batch_norm else []
        return [*normalised, layers.Activation("relu")]

    first = (
        [layers.Conv2D(16, 3, use_bias=not batch_norm), layers.MaxPooling2D(2)]
        if stride == 1
        else [layers.Conv2D(16, 5, strides=stride, use_bias=not batch_norm)]
    )
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            *(*first, *relu()),  # pooled before relu: the same, on a quarter
            *(layers.Conv2D(32, 3, use_bias=not batch_norm), layers.MaxPooling2D(2)),
            *(*relu(), layers.Flatten()),
            *(layers.Dense(64, use_bias=not batch_norm), *relu()),
            layers.Dense(10, activation="softmax"),
        ]
    )


def lesson(seed: int) -> Any:
    """The lesson's estimator as it is, five epochs."""
    return CNNClassifier(epochs=5, random_state=seed)


def cycle(seed: int, filters: tuple[int, int] = (32, 32)) -> Any:
    """The same, three epochs at the rates of one cycle."""
    return CNNClassifier(
        filters=filters,
        learning_rate=one_cycle(3),
        epochs=3,
        batch_size=BATCH,
        random_state=seed,
    )


def narrow(seed: int) -> Any:
    """The same, with half as many filters in the first convolution."""
    return cycle(seed, filters=(16, 32))


def pool_first(seed: int) -> Any:
    """The same net as one's own, which pools before it takes the relu."""
    return own(seed, epochs=3, batch_norm=False)


def batch_norm(seed: int) -> Any:
    """The same with batch normalisation, two epochs."""
    return own(seed, epochs=2)


def strided(seed: int) -> Any:
    """The same, with a first convolution of 5x5 at every second position."""
    return own(seed, epochs=2, stride=2)


def own(seed: int, epochs: int, **net: Any) -> Any:
    """Return an estimator of `make_net`'s net."""
    return KerasClassifier(
        make_net,
        **net,
        optimizer="adam",
        learning_rate=one_cycle(epochs),
        epochs=epochs,
        batch_size=BATCH,
        random_state=seed,
    )


# Each but for what its name says as the one before.
RECIPES: dict[str, Callable[[int], Any]] = {
    "lesson": lesson,
    "cycle": cycle,
    "narrow": narrow,
    "pool-first": pool_first,
    "batch-norm": batch_norm,
    "strided": strided,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="MNIST as Keras's .npz")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--recipes", nargs="+", choices=RECIPES, default=["narrow", "strided"]
    )
    parser.add_argument("--beside", action="store_true", help="the lesson's net, too")
    args = parser.parse_args()
    wanted = {*args.recipes, *(["lesson"] if args.beside else [])}
    names = [name for name in RECIPES if name in wanted]
    print(in_words(machine()), end="\n\n")
    print("| seed |", *(f"{name}: seconds | accuracy |" for name in names))
    print("| ---: |", *("---: | ---: |" for _ in names))
    measured: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}
    spawn = multiprocessing.get_context("spawn")
    for seed in range(args.seeds):
        for name in names:
            with spawn.Pool(1) as process:
                result = process.apply(measure, (name, seed, args.data))
            measured[name].append(result)
            print(name, seed, result, file=sys.stderr, flush=True)
        last = (measured[name][-1] for name in names)
        cells = (f"{took:.2f} | {right:.4f} |" for took, _, right in last)
        print(f"| {seed} |", *cells, flush=True)
    print("\n| recipe | seconds (median) | lesson takes | CPU seconds", end=" ")
    print(f"| accuracy (median) | reached {MARK} |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    lesson_took = median(each[0] for each in measured["lesson"]) if args.beside else 0
    for name in names:
        took, cpu, right = zip(*measured[name], strict=True)
        ratio = f"{lesson_took / median(took):.2f} ×" if args.beside else ""
        reached = sum(accuracy >= MARK for accuracy in right)
        print(
            f"| {name} | {median(took):.2f} | {ratio} | {median(cpu):.1f} "
            f"| {median(right):.4f} | {reached} of {args.seeds} |"
        )


def measure(name: str, seed: int, data: str) -> tuple[float, float, float]:
    """Return seconds and CPU seconds of a fit, and its accuracy on the test images."""
    with np.load(data) as stored:
        X, X_test = (
            (stored[f"x_{part}"] / np.float32(255))[..., None]
            for part in ("train", "test")
        )
        y, y_test = (stored[f"y_{part}"].astype(int) for part in ("train", "test"))
    estimator = RECIPES[name](seed)
    start, cpu_start = time.perf_counter(), time.process_time()
    estimator.fit(X, y)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    return seconds, cpu, float(np.mean(estimator.predict(X_test) == y_test))


if __name__ == "__main__":
    main()
