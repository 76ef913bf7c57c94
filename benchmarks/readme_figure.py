"""The picture of the README: a search, what a net sees, and what it gets wrong.

python benchmarks/readme_figure.py --data mnist.npz [--out benchmarks/readme_figure.png]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
from PIL import Image
from sklearn.model_selection import GridSearchCV

from sknn_mnist import CNNClassifier, DenseClassifier
from sknn_mnist.datasets import load_mnist
from sknn_mnist.display import FeatureMapsDisplay, MistakesDisplay, SearchDisplay

HERE = Path(__file__).parent
ROWS = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="Keras's mnist.npz")
    parser.add_argument("--out", type=Path, default=HERE / "readme_figure.png")
    args = parser.parse_args()
    X_train, X_test, y_train, y_test = load_mnist(
        args.data, layout="image", return_X_y=True
    )
    X_train, y_train = X_train[:ROWS], y_train[:ROWS]

    figure, axes = plt.subplots(
        1, 3, figsize=(13, 3.8), width_ratios=(1, 1.2, 1.3), layout="constrained"
    )
    grid = GridSearchCV(
        DenseClassifier(memory=":memory:", random_state=0),
        {"epochs": [1, 2, 5, 10, 20], "hidden_size": [32, 64, 256]},
        cv=3,
    ).fit(X_train.reshape(ROWS, -1), y_train)
    SearchDisplay.from_search(grid).plot(kind="lines", ax=axes[0])
    axes[0].set_title("a grid search")

    cnn = CNNClassifier(filters=(8, 8), epochs=10, random_state=0)
    cnn.fit(X_train, y_train)
    FeatureMapsDisplay.from_estimator(cnn, X_test[:4]).plot(ax=axes[1])
    axes[1].set_title("what eight filters make of four digits")

    wrong = MistakesDisplay.from_estimator(cnn, X_test, y_test)
    wrong.plot(ax=axes[2], n_images=10)
    figure.savefig(args.out, dpi=100)
    # Fewer colours than anybody sees, and half of the bytes.
    Image.open(args.out).convert("RGB").quantize(128).save(args.out, optimize=True)
    print(f"figure: {args.out}, test accuracy {cnn.score(X_test, y_test):.4f}")


if __name__ == "__main__":
    main()
