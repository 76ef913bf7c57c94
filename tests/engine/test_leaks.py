"""Fits leave no memory behind, whether they end well or not."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

MEMORY = Path(__file__).parents[2] / "benchmarks" / "memory.py"


@pytest.mark.slow
@pytest.mark.parametrize("shapes", [1, 12])
def test_memory_is_flat_over_300_fits(shapes):
    done = subprocess.run(
        [sys.executable, str(MEMORY), "--shapes", str(shapes)],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = dict(re.findall(r"\| (\d+) \| ([\d.]+) \|", done.stdout))
    assert float(rows["300"]) - float(rows["30"]) < 30


FAIL = """if True:
    import sys
    import keras, numpy as np, psutil
    from sknn_mnist import DenseClassifier

    class Refuses(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise ValueError("mine")

    def own(x):
        return x

    NETS = {
        "metric": {"metrics": [keras.metrics.MeanIoU(num_classes=2, name="iou")]},
        "callback": {"callbacks": Refuses()},
        "code": {"activation": own, "callbacks": Refuses()},
    }
    net = DenseClassifier(epochs=1, random_state=0, **NETS[sys.argv[1]])
    X = np.random.default_rng(0).random((90, 16)).astype("float32")
    for fit in range(1, 151):
        try:
            net.fit(X, np.arange(90) % 3)
        except ValueError:
            pass
        else:
            raise AssertionError("it is meant to fail")
        if fit in (30, 150):
            print(psutil.Process().memory_info().rss / 2**20)
"""


@pytest.mark.slow
@pytest.mark.parametrize("why", ["metric", "callback", "code"])
def test_memory_is_flat_over_fits_that_fail(why):
    done = subprocess.run(
        [sys.executable, "-c", FAIL, why], capture_output=True, text=True, check=True
    )
    early, late = map(float, done.stdout.split())
    # That of the metric grew by 80 MB.
    assert late - early < 40
