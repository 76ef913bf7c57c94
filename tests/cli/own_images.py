"""Images of one's own for the tests: three kinds of bars, in every form of files."""

import numpy as np
from PIL import Image

NAMES = ("cross", "dash", "pole")
SHAPE = (12, 12)


def bars(n_images, seed=0, shape=SHAPE):
    """Return grey images of uint8, and the codes of what they show."""
    rng = np.random.default_rng(seed)
    y = np.arange(n_images) % 3
    X = rng.integers(0, 60, (n_images, *shape), dtype=np.uint8)
    for image, kind in zip(X, y, strict=True):
        row, column = rng.integers(3, shape[0] - 3), rng.integers(3, shape[1] - 3)
        if kind != 2:
            image[row - 1 : row + 1] = 220
        if kind != 1:
            image[:, column - 1 : column + 1] = 220
    return X, y


def write_folder(folder, X, y, names=NAMES, ending=".png"):
    """Write images into a folder for each class."""
    for number, (image, kind) in enumerate(zip(X, y, strict=True)):
        place = folder / names[kind]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number:03}{ending}")
    return folder


def write_table(path, X, y, names=NAMES, column="kind"):
    """Write images as rows of a CSV, with their labels as the last column."""
    header = [f"pixel{each}" for each in range(X[0].size)] + [column]
    rows = [
        ",".join([*map(str, image.ravel()), names[kind]])
        for image, kind in zip(X, y, strict=True)
    ]
    path.write_text("\n".join([",".join(header), *rows]) + "\n", encoding="utf-8")
    return path
