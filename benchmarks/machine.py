"""What a benchmark ran on: processor, instruction set, how TensorFlow computes."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

__all__ = ["in_words", "machine"]

# Of vector instructions, as Linux names them: the widest first.
INSTRUCTIONS = ("avx512f", "avx2", "avx", "sse4_2", "sve", "asimd")
VARIABLES = ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA", "TF_NUM_INTRAOP_THREADS")
# As the user gave them: taken before `sknn_mnist` starts TensorFlow and sets the first.
GIVEN = {name: os.environ.get(name) for name in VARIABLES}


def machine() -> dict[str, str | int | None]:
    """Return the facts that seconds depend on. What is not known is None."""
    from sknn_mnist.networks._keras_private import uses_onednn

    cpu = Path("/proc/cpuinfo")  # on Linux alone
    said = cpu.read_text(encoding="utf-8") if cpu.exists() else ""
    name = re.search(r"^model name\s*: (.+)$", said, re.M)
    flags = re.search(r"^(?:flags|Features)\s*: (.+)$", said, re.M)
    there = flags.group(1).split() if flags else []
    return {
        "cores": os.cpu_count(),
        "processor": name.group(1) if name else platform.machine(),
        "instructions": next((each for each in INSTRUCTIONS if each in there), None),
        "oneDNN": {True: "on", False: "off", None: None}[uses_onednn()],
        **GIVEN,
    }


def in_words(facts: dict[str, str | int | None]) -> str:
    """Return `machine()` as a line to stand above tables."""
    parts = [
        str(facts["processor"]),
        f"{facts['cores']} cores",
        str(facts["instructions"] or "instruction set unknown"),
        f"oneDNN {facts['oneDNN'] or 'unknown'}",
        *(f"{name}={facts[name]}" for name in VARIABLES if facts[name] is not None),
    ]
    return ", ".join(parts)
