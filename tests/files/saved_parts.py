"""Saved files taken apart and put together, for tests that change them between."""

import json

from safetensors import numpy as safetensors
from safetensors import safe_open

from sknn_mnist.files._estimator_files import _digest

__all__ = ["parts", "write"]


def parts(path):
    """Return a file's description and arrays."""
    with safe_open(path, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return json.loads(file.metadata()["sknn_mnist"]), arrays


def write(path, about, arrays):
    """Write a file as one would who knows how: its checksum is right."""
    text = json.dumps(about)
    metadata = {"sknn_mnist": text, "sha256": _digest(text, arrays)}
    path.write_bytes(safetensors.save(arrays, metadata=metadata))
