"""Several nets of one shape as one program: what a leading axis of nets would bring.

    python benchmarks/batched_program.py --data mnist.npz [--hidden 32 64 256]

The dense net of the lesson, 784 to `hidden` to 10, batches of 128 in an order of its
own for each net, Adam by TensorFlow's own operation, written by hand: `nets` of them as
one program whose matrix products have a leading axis, beside one net alone. Nothing in
the package works so; this measures whether it should. Prints a markdown table of
microseconds that one net's step takes, the median of five runs, on the device that
TensorFlow finds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from machine import in_words, machine

import sknn_mnist  # noqa: F401  before TensorFlow, which it sets up

# isort: split
import tensorflow as tf

ROWS, BATCH = 6656, 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="MNIST as Keras's .npz")
    parser.add_argument("--hidden", type=int, nargs="+", default=[32, 64, 256])
    parser.add_argument("--nets", type=int, nargs="+", default=[1, 3, 9])
    args = parser.parse_args()
    with np.load(args.data) as stored:
        pixels = stored["x_train"][:ROWS].reshape(ROWS, -1).astype("float32") / 255
        labels = stored["y_train"][:ROWS].astype("int32")
    print(in_words(machine()), "\n")
    print("| hidden | " + " | ".join(f"{nets} nets" for nets in args.nets) + " |")
    print("| --- |" + " ---: |" * len(args.nets))
    for hidden in args.hidden:
        taken = [_microseconds(pixels, labels, hidden, nets) for nets in args.nets]
        print(f"| {hidden} | " + " | ".join(f"{each:.0f}" for each in taken) + " |")


def _microseconds(
    pixels: np.ndarray, labels: np.ndarray, hidden: int, nets: int
) -> float:
    epoch = _epoch(tf.constant(pixels), tf.constant(labels), hidden, nets)
    rng = np.random.default_rng(0)
    orders = tf.constant([rng.permutation(ROWS) for _ in range(nets)], tf.int32)
    epoch(orders).numpy()
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        epoch(orders).numpy()
        seconds.append(time.perf_counter() - start)
    return median(seconds) / (ROWS // BATCH) / nets * 1e6


def _epoch(
    x: tf.Tensor, y: tf.Tensor, hidden: int, nets: int
) -> Callable[[tf.Tensor], tf.Tensor]:
    rng = np.random.default_rng(1)
    shapes = [(nets, 784, hidden), (nets, 1, hidden), (nets, hidden, 10), (nets, 1, 10)]
    weights = [tf.Variable(0.05 * rng.standard_normal(s, "float32")) for s in shapes]
    slots = [(tf.Variable(0 * w), tf.Variable(0 * w)) for w in weights]
    powers = [tf.Variable(0.9), tf.Variable(0.999)]

    def step(number: tf.Tensor, loss: tf.Tensor, orders: tf.Tensor) -> tf.Tensor:
        rows = orders[:, number * BATCH : (number + 1) * BATCH]
        batch, labels = tf.gather(x, rows), tf.gather(y, rows)
        with tf.GradientTape() as tape:
            maps = tf.nn.relu(batch @ weights[0] + weights[1])
            logits = maps @ weights[2] + weights[3]
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            total = tf.reduce_sum(losses) / BATCH
        for gradient, weight, (mean, square) in zip(
            tape.gradient(total, weights), weights, slots, strict=True
        ):
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle,
                m=mean.handle,
                v=square.handle,
                beta1_power=powers[0].read_value(),
                beta2_power=powers[1].read_value(),
                lr=0.001,
                beta1=0.9,
                beta2=0.999,
                epsilon=1e-7,
                grad=gradient,
            )
        for power, beta in zip(powers, (0.9, 0.999), strict=True):
            power.assign(power * beta)
        return loss + total / nets

    @tf.function(autograph=False)
    def epoch(orders: tf.Tensor) -> tf.Tensor:
        return tf.while_loop(
            lambda number, _: number < ROWS // BATCH,
            lambda number, loss: (number + 1, step(number, loss, orders)),
            (tf.constant(0), tf.constant(0.0)),
            parallel_iterations=1,
        )[1]

    return epoch


if __name__ == "__main__":
    main()
