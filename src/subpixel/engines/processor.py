"""What this computer has: cores, instruction sets, memory. Read without loading any engine."""

from __future__ import annotations

import contextlib
import os
import sys
from functools import cache
from pathlib import Path


def usable_cores() -> int:
    """Cores this process may use (its affinity where the system tells), at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


@cache
def _cpu_info() -> dict[str, str]:
    """What Linux tells of the first core, by name; empty where the system does not tell."""
    if not sys.platform.startswith("linux"):
        return {}
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return {}
    lines = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {name.strip(): told.strip() for name, _, told in lines}


def cpu_flags() -> frozenset[str]:
    """Instruction-set flags as Linux names them; empty where the system does not list them."""
    return frozenset((_cpu_info().get("flags") or _cpu_info().get("Features", "")).split())


def cpu_vendor() -> str:
    """The maker as the processor says it, ``"GenuineIntel"``; empty where the system does not tell."""
    return _cpu_info().get("vendor_id", "")


def has_bf16() -> bool:
    """True where the processor multiplies bfloat16 in hardware (AVX512-BF16, AMX, or Arm's BF16)."""
    return bool(cpu_flags() & {"avx512_bf16", "amx_bf16", "bf16"})


def quick_bf16() -> bool:
    """True where convolutions in bfloat16 are quicker than in float32: twice as quick on AMD's processors, six times
    with AMX; on Intel's without AMX they take 1.5 to 1.9 times as long (OpenVINO 2026.4, "The frontier" in
    benchmarks/results.md).
    """
    return has_bf16() and ("amx_bf16" in cpu_flags() or cpu_vendor() != "GenuineIntel")


def has_vnni() -> bool:
    """True where the processor multiplies 8-bit integers without overflow in hardware (AVX-VNNI, AVX512-VNNI or AMX).

    Older ones add pairs of products in 16 bits, which saturate: another result, and no quicker than bf16.
    """
    return bool(cpu_flags() & {"avx512_vnni", "avx_vnni", "amx_int8"})


def nominal_gflops(precision: str) -> float:
    """Rough speed of one core on 3×3 convolutions, GFLOP/s, for estimates only.

    Measured on 2.6 GHz AVX-512 cores, and on one with AMX with `crisp`, whose 32 channels fill half of AMX's tiles.
    """
    wide = "avx512f" in cpu_flags()
    if precision in ("int8", "bf16") and f"amx_{precision}" in cpu_flags():
        return 800.0 if precision == "int8" else 700.0
    if precision == "int8":
        return 400.0 if wide else 200.0
    if precision == "bf16":
        return 200.0 if quick_bf16() else 50.0
    return 95.0 if wide else 50.0


def memory_limit() -> int | None:
    """Bytes of memory this process may use: the computer's, its container's or its own limit, whichever is least.

    None where the system tells none of them.
    """
    limits = []
    with contextlib.suppress(AttributeError, ValueError, OSError):
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            limits.append(int(Path(name).read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue
    try:
        import resource

        for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
            soft = resource.getrlimit(kind)[0]
            if soft != resource.RLIM_INFINITY:
                limits.append(soft)
    except (ImportError, OSError):
        pass
    return min(limits, default=None)
