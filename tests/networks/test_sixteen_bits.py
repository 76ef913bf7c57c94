"""Where computing in 16 bits would end the process, it is refused."""

import os
import subprocess
import sys

import pytest

from sknn_mnist.networks import _sixteen_bits
from sknn_mnist.networks._sixteen_bits import sixteen_bits_obstacle

BF16, FP16 = {"avx512f"}, {"avx512f", "avx512_fp16"}
CONVERTS = {"avx_ne_convert"}


@pytest.mark.parametrize(
    ("dtype", "bound", "flags", "refused"),
    [
        ("mixed_bfloat16", "AVX2", BF16, True),
        ("mixed_bfloat16", "avx2", BF16, True),
        ("bfloat16", "AVX2_VNNI", BF16, True),
        ("bfloat16", "AVX2_VNNI_2", BF16, True),
        ("bfloat16", "AVX512_CORE", BF16, False),
        ("bfloat16", "AVX2", set(), False),
        ("mixed_float16", "AVX2", BF16, False),
        ("mixed_float16", "AVX2", FP16, True),
        ("float16", "AVX512_CORE", FP16, True),
        ("float16", "avx512_core_bf16", FP16, True),
        ("float16", "AVX512_CORE_FP16", FP16, False),
        ("float16", "AVX512_CORE_AMX", FP16, False),
        ("float16", "", FP16, False),
        ("float16", "of no kind", FP16, False),
        ("bfloat16", "AVX2", CONVERTS, True),
        ("float16", "AVX2", CONVERTS, True),
        ("float16", "AVX2_VNNI_2", CONVERTS, False),
        ("float32", "AVX2", FP16, False),
        ("mixed_float64", "AVX2", FP16, False),
    ],
)
@pytest.mark.parametrize("name", ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"])
def test_which_are_refused(dtype, bound, flags, refused, name, monkeypatch):
    for each in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, bound)
    monkeypatch.setattr(_sixteen_bits, "uses_onednn", lambda: True)
    monkeypatch.setattr(_sixteen_bits, "_processor_flags", lambda: frozenset(flags))
    said = sixteen_bits_obstacle(dtype)
    assert said == (
        f"{name}={bound} keeps oneDNN from it on this processor" if refused else None
    )
    monkeypatch.setattr(_sixteen_bits, "uses_onednn", lambda: False)
    assert sixteen_bits_obstacle(dtype) is None


FITS = """
import keras
import numpy as np
from sknn_mnist import DenseClassifier, KerasClassifier

def make(policy):
    return keras.Sequential([keras.layers.Dense(2, "softmax", dtype=policy)])

for policy in ("mixed_bfloat16", "mixed_float16"):
    for net in (
        DenseClassifier(dtype=policy),
        KerasClassifier(make, dtype=policy, policy=policy),
        KerasClassifier(make, policy=policy, loss="sparse_categorical_crossentropy"),
    ):
        try:
            net.fit(np.eye(4), [0, 1, 0, 1])
            print("fitted")
        except ValueError as err:
            print(err)
"""


@pytest.mark.slow
@pytest.mark.exact
@pytest.mark.parametrize("bound", ["AVX2", "AVX512_CORE", "ALL"])
def test_no_fit_ends_the_process(bound):
    """On this processor, whichever it is."""
    done = subprocess.run(
        [sys.executable, "-c", FITS],
        env={**os.environ, "ONEDNN_MAX_CPU_ISA": bound},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert len(lines) == 6
    for line in lines:
        assert line == "fitted" or "keeps oneDNN from it" in line
    if bound == "ALL":
        assert lines == ["fitted"] * 6
