"""How much memory a network takes while it runs: measured, because an engine keeps more than the largest layer needs.

In a dense block every concatenation is a tensor of its own, and what the engine reuses is its affair: counting layers
falls short by a factor of five there.
"""

from __future__ import annotations

import contextlib
import math
import mmap
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from subpixel.errors import TrainingError

_AIM: Final = 100_000_000  # values that the measured run should hold: far more than compiling needs
_LEAST, _MOST = 128, 1024  # sides of its input
_TINY: Final = 32  # side of the input that everything is loaded with
_PATIENCE: Final = 600  # seconds


def values_held(
    onnx: bytes, *, channels: int, scales: tuple[int, ...], align: int = 1, guess: int = 128, name: str = "network"
) -> int:
    """Most float32 values that OpenVINO holds per input pixel while it runs the network, for `activations` on its card.

    Args:
        onnx: the graph.
        channels: of its input.
        scales: factors of its outputs.
        align: its input's sides are multiples of it.
        guess: about how many; the larger, the smaller the input that is tried.
        name: for errors.

    Raises:
        TrainingError: the engine cannot run it.
    """
    side = min(_MOST, max(_LEAST, math.isqrt(_AIM // max(1, guess)))) // align * align
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        path.write_bytes(onnx)
        words = [path, channels, align, side, ",".join(map(str, scales))]
        done = subprocess.run(
            [sys.executable, "-m", "subpixel_train.held", *map(str, words)],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise TrainingError(f"{name} cannot be run by OpenVINO", reason)
    return max(1, round(int(done.stdout) / 4 / side**2))


def _main(path: str, channels: str, align: str, side: str, scales: str) -> None:
    """In a process of its own: print the bytes that a run takes beyond what a tiny one has left behind."""
    from subpixel.engines import EngineSettings, load_engine
    from subpixel.types import NetworkFile

    factors = tuple(map(int, scales.split(",")))
    onnx = Path(path).read_bytes()
    network = NetworkFile("network", onnx, factors[-1], int(channels), 0, scales=factors, align=int(align))
    run = load_engine("openvino").load(network, EngineSettings(1, "fp32"))
    tiny = -(-_TINY // int(align)) * int(align)
    run(np.zeros((1, int(channels), tiny, tiny), np.float32))
    before = _resident()
    run(np.zeros((1, int(channels), int(side), int(side)), np.float32))
    print(max(0, _peak() - before))


def _peak() -> int:
    """Most bytes this program had resident."""
    with contextlib.suppress(OSError):  # Linux; getrusage would count the process that started this one, too
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource  # not on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _resident() -> int:
    """Bytes this process has resident, where the system tells; else the most it had."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return _peak()
    return pages * mmap.PAGESIZE


if __name__ == "__main__":
    _main(*sys.argv[1:])
