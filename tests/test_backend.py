"""Another backend of Keras is refused in one sentence, at import."""

import json
import os
import subprocess
import sys

import pytest


def error_of(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("backend", ["torch", "jax", "numpy", "openvino"])
def test_the_variable_is_refused(backend):
    said = error_of("from sknn_mnist import DenseClassifier", KERAS_BACKEND=backend)
    assert said == (
        "ImportError: sknn_mnist needs Keras's backend 'tensorflow', and the "
        f"environment variable KERAS_BACKEND says {backend!r}. Set "
        "KERAS_BACKEND=tensorflow before Keras is imported."
    )


def test_the_file_is_refused(tmp_path):
    settings = {"backend": "numpy", "floatx": "float32", "epsilon": 1e-7}
    tmp_path.joinpath("keras.json").write_text(json.dumps(settings))
    said = error_of(
        "import os; os.environ.pop('KERAS_BACKEND', None); import sknn_mnist.builders",
        KERAS_HOME=str(tmp_path),
    )
    # Some versions of Keras want JAX for NumPy's.
    assert "keras.json, or an import of Keras before, says " in said
    assert "numpy" in said or "needs jax" in said
