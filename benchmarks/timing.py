"""Times of systems that take turns: forward in one round, backward in the next, each ratio taken within its round."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter, process_time
from typing import Final

import numpy as np
from numpy.typing import NDArray
from static import EACH, PEAK_OPERATIONS, openvino_peak
from systems import REFERENCE, SIZES, Call, System

from subpixel.errors import SubpixelError

_LONG: Final = 0.4  # seconds; what takes longer is neither run twice nor warmed in each round
_TURN: Final = 0.06  # seconds of work in one turn of a quick system
_MOST: Final = 15  # runs in one turn
_REST: Final = 0.03  # seconds until the threads of the one before have gone to sleep
CALM: Final = 0.85
"""Part of its threads' time that a measurement should have: an engine's own threads rest for some of it."""

NETWORK, PICTURE = "network", "picture"


@dataclass(frozen=True, slots=True)
class Times:
    """One system at one factor, from one run of the command.

    Attributes:
        system: its name.
        scale: factor.
        kind: see `systems.System`.
        precision: arithmetic.
        digest: of its weights.
        network: milliseconds per megapixel of result of the network alone; None where it cannot be had.
        picture: of a whole picture.
        network_ratio: how many times as long as the reference's, median over rounds.
        picture_ratio: as `network_ratio`.
        gops: billions of multiplications and additions per second in the network alone; None where not counted.
        share: of the engine's peak in the same precision and run.
        calm: part of its threads' time that the reference had in that run, 0–1; None where it was not looked at.
    """

    system: str
    scale: int
    kind: str
    precision: str
    digest: str
    network: float | None = None
    picture: float | None = None
    network_ratio: float | None = None
    picture_ratio: float | None = None
    gops: float | None = None
    share: float | None = None
    calm: float | None = None


@dataclass(slots=True)
class _Clocked:
    """A prepared system and its seconds, round by round."""

    system: System
    calls: dict[str, Callable[[], object]]
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def per_megapixel(self, level: str) -> list[float] | None:
        """Milliseconds per megapixel of result."""
        width, height = SIZES[self.system.scale]
        megapixels = width * height * self.system.scale**2 / 1e6
        if level == NETWORK:
            megapixels *= self.system.at_once
        return [1e3 * one / megapixels for one in self.seconds[level]] if level in self.seconds else None


def peaks(threads: int, scale: int, wanted: set[str]) -> list[System]:
    """The engine's peak in each precision, as systems that take their turns."""
    return [
        System(
            f"peak {precision}",
            "peak",
            scale,
            precision,
            network=lambda height, width, precision=precision: openvino_peak(precision, threads),
            at_once=threads * EACH,
        )
        for precision in ("fp32", "bf16", "int8")
        if precision in wanted
    ]


def measure_times(
    systems: Sequence[System], scene: NDArray[np.uint8], rounds: int, threads: int, notify: Callable[[str], None]
) -> list[Times]:
    """Times of systems of one factor.

    Args:
        systems: with the reference among them.
        scene: (H, W, 3), what is enlarged.
        rounds: how often every system has its turn.
        threads: of every system.
        notify: told what is going on.
    """
    ready = []
    for system in systems:
        calls = _prepared(system, scene, notify)
        if calls:
            ready.append(_Clocked(system, calls))
    reference = next(one for one in ready if one.system.name == REFERENCE)
    got: list[float] = []
    for turn in range(rounds):
        notify(f"×{systems[0].scale}: round {turn + 1} of {rounds}, {len(ready)} systems")
        got.append(_time_had(reference.calls[NETWORK], threads))
        for one in ready[:: 1 if turn % 2 == 0 else -1]:
            for level, call in one.calls.items():
                one.seconds.setdefault(level, []).append(_turn(call))
    calm = median(got)
    if calm < CALM:
        notify(f"only {calm:.0%} of the threads' time was to be had: measure again when nothing else runs")
    return _summed_up(ready, round(min(calm, 1.0), 2))


def _time_had(call: Call, threads: int) -> float:
    """Part of its threads' time that a call gets: less where other programs run beside it."""
    wall, own = perf_counter(), process_time()
    call()
    return (process_time() - own) / (perf_counter() - wall) / threads


def _prepared(system: System, scene: NDArray[np.uint8], notify: Callable[[str], None]) -> dict[str, Call]:
    """What is to be clocked, run once; a system that cannot run here is left out, and said to be."""
    width, height = SIZES[system.scale]
    calls: dict[str, Call] = {}
    try:
        if system.network is not None:
            calls[NETWORK] = system.network(height, width)
        if system.picture is not None:
            enlarge = system.picture()
            calls[PICTURE] = lambda: enlarge(scene)
        for call in calls.values():
            call()  # buffers and kernels are prepared outside the clock, for all alike
    except SubpixelError as error:
        notify(f"{system.name} ×{system.scale} is left out: {error}")
        return {}
    return calls


def _turn(call: Call) -> float:
    """Seconds of one run: the median of a turn."""
    time.sleep(_REST)
    first = _seconds(call)
    if first > _LONG:
        return first
    count = min(_MOST, max(1, round(_TURN / first)))  # the first one only brought caches and threads back
    return median(_seconds(call) for _ in range(count))


def _seconds(call: Call) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def _summed_up(ready: Sequence[_Clocked], calm: float) -> list[Times]:
    reference = next(one for one in ready if one.system.name == REFERENCE)
    speeds = {
        one.system.precision: [one.system.at_once * PEAK_OPERATIONS / second / 1e9 for second in one.seconds[NETWORK]]
        for one in ready
        if one.system.kind == "peak"
    }
    made = []
    for one in ready:
        system = one.system
        if system.kind == "peak":
            made.append(_times(system, gops=median(speeds[system.precision]), share=1.0, calm=calm))
            continue
        network, picture = one.per_megapixel(NETWORK), one.per_megapixel(PICTURE)
        gops = None
        if network and system.macs:  # multiply-adds count per small pixel; 10⁶ pixels, ms and 10⁹ cancel out
            gops = [2 * system.macs / system.scale**2 / each for each in network]
        share = None
        if gops and system.precision in speeds:
            share = median(own / peak for own, peak in zip(gops, speeds[system.precision], strict=True))
        made.append(
            _times(
                system,
                network=_median(network),
                picture=_median(picture),
                network_ratio=_ratio(network, reference.per_megapixel(NETWORK)),
                picture_ratio=_ratio(picture, reference.per_megapixel(PICTURE)),
                gops=_median(gops),
                share=share,
                calm=calm,
            )
        )
    return made


def _times(system: System, **values: float | None) -> Times:
    rounded = {key: None if value is None else round(value, 4) for key, value in values.items()}
    return Times(system.name, system.scale, system.kind, system.precision, system.digest, **rounded)


def _median(values: list[float] | None) -> float | None:
    return median(values) if values else None


def _ratio(own: list[float] | None, reference: list[float] | None) -> float | None:
    """How many times as long as the reference, round by round, then the median."""
    if not own or not reference:
        return None
    return median(mine / theirs for mine, theirs in zip(own, reference, strict=True))
