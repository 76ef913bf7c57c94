"""Data that the tests share."""

import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image
from sklearn.datasets import load_digits, load_sample_image
from sklearn.model_selection import train_test_split

# Machines are noisy, and a slow example is no wrong one.
settings.register_profile("untimed", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=10_000)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items):
    """Leave out what TensorFlow itself can't compute where this is another machine.

    With ONEDNN_MAX_CPU_ISA=AVX2 on a processor that has instructions for 16 bits, those
    end the process, under keras.Model.fit as well; tests/networks/test_sixteen_bits.py
    tests that they are refused. A processor without them computes it otherwise.
    """
    from sknn_mnist.networks._sixteen_bits import sixteen_bits_obstacle

    for dtype in ("bfloat16", "float16"):
        obstacle = sixteen_bits_obstacle(dtype)
        for item in items if obstacle else []:
            named = re.search(rf"(?<!b){dtype}", item.nodeid)
            if named and "refused" not in item.nodeid:
                item.add_marker(pytest.mark.skip(reason=obstacle))


@pytest.fixture(scope="session", autouse=True)
def ctrl_c():
    """Let Ctrl-C through, to the tests' child processes too.

    Shells have it ignored by what they start in the background, and a process hands
    that on to its children.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def digits():
    """scikit-learn's digits, 8×8 flat in [0, 1]: (X_train, X_test, y_train, y_test)."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    split = train_test_split(X, y, stratify=y, test_size=0.3, random_state=0)
    for array in split:
        array.flags.writeable = False
    return split


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Photographs of a temple and of a flower, cut to pieces: photos/, holiday/."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("china", "flower"):
        whole = Image.fromarray(load_sample_image(f"{name}.jpg"))
        for number in range(60):
            left, top = rng.integers(0, [500, 300])
            folder = Path("photos", name) if number < 50 else Path("holiday")
            folder.mkdir(parents=True, exist_ok=True)
            piece = whole.crop((left, top, left + 96 + number, top + 80))
            piece.save(folder / f"{name}_{number}.jpg")
    return tmp_path


@pytest.fixture(scope="session")
def mnist_file():
    """The file of real MNIST; tests that need it are skipped where it is not."""
    places = [
        os.environ.get("SKNN_MNIST_DATA"),
        Path(__file__).parents[2] / "shared" / "data" / "mnist.npz",
    ]
    for place in places:
        if place and Path(place).exists():
            return Path(place)
    pytest.skip("real MNIST is not at hand: set SKNN_MNIST_DATA to mnist.npz")


def pytest_terminal_summary(terminalreporter):
    """Print how many of scikit-learn's checks each estimator passed."""
    counts = {}
    for outcome in ("passed", "failed", "xfailed", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            if "::test_check_passes" in report.nodeid:
                name = report.nodeid.partition("[")[2].partition("(")[0]
                counts.setdefault(name, {}).setdefault(outcome, 0)
                counts[name][outcome] += 1
    for name, outcomes in sorted(counts.items()):
        told = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())
        terminalreporter.write_line(f"scikit-learn's checks of {name}: {told}")
