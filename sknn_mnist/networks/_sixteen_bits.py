"""Whether this process can compute in 16 bits, or would be ended by it.

TensorFlow asks the processor whether it has the instructions, and hands the operation
to oneDNN. Told to leave them alone (``ONEDNN_MAX_CPU_ISA``), oneDNN has none to compute
it with, and ends the process, under `keras.Model.fit` as well.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from sknn_mnist.networks._conditions import ISA_VARIABLES
from sknn_mnist.networks._keras_private import uses_onednn

__all__ = ["sixteen_bits_obstacle"]

# By what it computes in: the processor's flags of which any has TensorFlow ask oneDNN,
# and the bounds that keep oneDNN from it. Others that a user may write bound nothing.
_BELOW_AVX512 = r"SSE41|AVX|AVX2|AVX2_VNNI"
_FLAGS_AND_BOUNDS = {
    "bfloat16": ({"avx512f", "avx_ne_convert"}, _BELOW_AVX512),
    "float16": (
        {"avx512_fp16", "amx_fp16", "avx_ne_convert"},
        rf"{_BELOW_AVX512}|AVX512_CORE(_VNNI|_BF16)?",
    ),
}


def sixteen_bits_obstacle(dtype: str) -> str | None:
    """Say why computing in a dtype would end this process.

    Parameters
    ----------
    dtype : str
        A dtype or one of Keras's policies: "bfloat16", "mixed_float16".

    Returns
    -------
    str or None
        None where nothing speaks against it.
    """
    name = dtype.removeprefix("mixed_")
    given = {each: os.environ.get(each, "") for each in ISA_VARIABLES}
    # Each fit asks, and the processor is looked at where it matters alone.
    if name not in _FLAGS_AND_BOUNDS or not any(given.values()) or not uses_onednn():
        return None
    (flags, bounds), has = _FLAGS_AND_BOUNDS[name], _processor_flags()
    if not has & flags:
        return None
    if "avx_ne_convert" not in has:
        bounds += "|AVX2_VNNI_2"
    for variable, bound in given.items():
        if re.fullmatch(bounds, bound, re.IGNORECASE):
            return f"{variable}={bound} keeps oneDNN from it on this processor"
    return None


def _processor_flags() -> frozenset[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    found = re.search(r"^flags\s*:(.*)$", text, re.MULTILINE)
    return frozenset(found[1].split()) if found else frozenset()
