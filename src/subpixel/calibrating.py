"""How quick this machine is: each network on a small picture, kept between runs.

A network's time on a processor follows from nothing that could be written down beforehand (instruction sets, caches,
what else is running), but it is proportional to the number of pixels. So each network in question enlarges one small
picture twice, through everything that a user's picture goes through, and the quicker time counts.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import numpy as np

from subpixel import zoo
from subpixel.engines import DEFAULT_ENGINE, check_engine, has_bf16, has_vnni
from subpixel.plan import Target
from subpixel.types import Picture, Pixels, Precision
from subpixel.upscaler import Upscaler

SIDE: Final = 128
"""Sides of the picture that is enlarged, so small that the slowest network of the line takes a tenth of a second."""
_MOST_MACS: Final = 8e9  # for larger networks it is smaller
_LEAST_SIDE: Final = 48
_FRESH_S: Final = 30 * 24 * 3600  # the machine, or what runs beside, may have changed since


@dataclass(frozen=True, slots=True)
class Measured:
    """A network's time on this machine.

    Attributes:
        seconds: for one input pixel that goes through the network (`Pass.computed`), with all threads at work: colour,
            network, rounding.
        fresh: True where it was measured now, False where it was kept from before.
    """

    seconds: float
    fresh: bool


@dataclass(slots=True)
class Machine:
    """Times of networks on this machine, measured when asked for.

    Attributes:
        engine: name of the engine.
        threads: tiles computed side by side.
        keep: look into, and add to, the times kept in the user's cache folder.
    """

    threads: int
    engine: str = DEFAULT_ENGINE
    keep: bool = True
    _times: dict[str, float] = field(default_factory=dict, repr=False)

    def precisions(self, model: str, *, bits: int = 8) -> tuple[Precision, ...]:
        """Arithmetic that makes sense for a model and pictures of so many bits per sample, the most exact first."""
        check_engine(self.engine)
        made: list[Precision] = ["fp32"]
        if bits == 8 and self.engine == DEFAULT_ENGINE and has_bf16() and zoo.card(model).bf16:
            made.append("bf16")
        if bits == 8 and zoo.card(model).int8 and has_vnni():
            made.append("int8")
        return tuple(made)

    def known(self, model: str, precision: Precision) -> float | None:
        """Seconds for one input pixel, where they were measured before."""
        key = self._key(model, precision)
        if key not in self._times and self.keep:
            self._times |= {known: seconds for known, (seconds, _) in _rows().items()}
        return self._times.get(key)

    def measure(self, model: str, precision: Precision, *, again: bool = False) -> Measured:
        """Seconds for one input pixel, measured unless they are known; `again`: measured in any case.

        Raises:
            ModelError: the model's files are damaged.
            EngineError: the engine cannot run it so.
        """
        known = None if again else self.known(model, precision)
        if known is not None:
            return Measured(known, fresh=False)
        scale, work = zoo.card(model).scale, zoo.card(model).work
        picture = Picture(scene(min(SIDE, max(_LEAST_SIDE, int((_MOST_MACS / max(1, work)) ** 0.5)))))
        with Upscaler(model, engine=self.engine, precision=precision, threads=self.threads) as upscaler:
            plan = upscaler.plan(picture.size, Target(scale))
            computed = sum(step.computed for step in plan.passes)
            upscaler.picture(picture, Target(scale))  # loads the network and takes its memory
            times = []
            for _ in range(2):
                started = time.perf_counter()
                upscaler.picture(picture, Target(scale))
                times.append(time.perf_counter() - started)
        seconds = min(times) / computed
        self._times[self._key(model, precision)] = seconds
        if self.keep:
            _keep(self._key(model, precision), seconds)
        return Measured(seconds, fresh=True)

    def _key(self, model: str, precision: Precision) -> str:
        what = (
            _version("subpixel"),
            _version(self.engine),
            processor(),
            self.engine,
            self.threads,
            zoo.card(model).sha256,
            precision,
        )
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]


def scene(side: int) -> Pixels:
    """A picture to measure with, (1, side, side, 3), uint8: shapes and noise, nothing flat that could be left out."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side]
    waves = [np.sin(x / (4 + c)) * np.cos(y / (7 - c)) for c in range(3)]
    mixed = 128 + 80 * np.stack(waves, axis=2) + rng.normal(0, 6, (side, side, 3))
    pixels: Pixels = np.clip(mixed, 0, 255).astype(np.uint8)[None]
    return pixels


@cache
def _version(package: str) -> str:
    """Its version; empty where it is not installed under that name."""
    with suppress(PackageNotFoundError):
        return version(package)
    return ""


def processor() -> str:
    """The processor's name."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cache_file() -> Path:
    """Where times are kept."""
    from platformdirs import user_cache_path

    return user_cache_path("subpixel") / "speed.json"


def _rows() -> dict[str, tuple[float, float]]:
    """What was kept and is not too old: seconds for a pixel, and when that was measured; empty if unreadable."""
    now = time.time()
    try:
        rows = json.loads(cache_file().read_text(encoding="utf-8"))
        found = {str(key): (float(seconds), float(when)) for key, (seconds, when) in rows.items()}
    except (OSError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return {}
    return {key: row for key, row in found.items() if 0 < row[0] < math.inf and 0 <= now - row[1] < _FRESH_S}


def _keep(key: str, seconds: float) -> None:
    """Keep a time. Where that is not possible it is measured again next time."""
    path = cache_file()
    rows = {**_rows(), key: (seconds, time.time())}
    spare = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        spare.write_text(json.dumps(rows), encoding="utf-8")
        spare.replace(path)
    except OSError:
        with suppress(OSError):
            spare.unlink()
