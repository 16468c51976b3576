"""What is promised of the house's models, and whether the figures keep it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from measurements import Measurements
from scoring import SETS
from systems import FAMILIES, SCALES, SIZES, house_models

from subpixel import zoo

FLOORS: Final = {"swift": (31.0, 6.0), "crisp": (31.6, 20.0), "fine": (32.0, 80.0)}
"""PSNR on Set5 ×4 in dB, and milliseconds of the network from 320×180 to 1280×720, in the precision that ships."""
INT8_LOSS, INT8_SPEED, PEAK_SHARE, MEGABYTES = 0.03, 1.6, 0.6, 10.0


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise and what was found; `kept` is False where nothing was measured."""

    about: str
    found: str
    kept: bool


def shipped(state: Measurements, family: str, scale: int) -> str | None:
    """The precision that a family's model is run in by default, as far as it was measured: int8, else bf16, fp32."""
    there = [precision for precision in ("int8", "bf16", "fp32") if state.time(f"{family} {precision}", scale)]
    return there[0] if there else None


def check(state: Measurements) -> list[Promise]:
    """Every promise."""
    promises = [one for family in FLOORS for one in _floor(state, family)]
    for scale in SCALES:
        for family in FAMILIES:
            if f"{family}-x{scale}" in zoo.model_names():
                promises += [*_against_opencv(state, family, scale), *_int8(state, family, scale)]
                if family != "swift":
                    promises += _share(state, family, scale)
    return [*promises, _weights()]


def _floor(state: Measurements, family: str) -> Iterator[Promise]:
    decibels, milliseconds = FLOORS[family]
    precision = shipped(state, family, 4)
    about = f"{family}-x4: {decibels} dB on Set5"
    quicker = f"{family}-x4: 320×180 to 1280×720 in {milliseconds:g} ms"
    score = state.score(f"{family} {precision}", 4, "Set5")
    times = state.time(f"{family} {precision}", 4)
    if score is None:
        yield Promise(about, "not measured", False)
    else:
        yield Promise(about, f"{score.psnr:.2f} dB ({precision})", score.psnr >= decibels)
    if times is None or times.network is None:
        yield Promise(quicker, "not measured", False)
    else:
        width, height = SIZES[4]
        spent = times.network * width * height * 16 / 1e6
        yield Promise(quicker, f"{spent:.1f} ms ({precision})", spent <= milliseconds)


def _against_opencv(state: Measurements, family: str, scale: int) -> Iterator[Promise]:
    """Not slower than OpenCV's best model among those that are worse."""
    precision = shipped(state, family, scale)
    name = f"{family} {precision}"
    own, times = state.score(name, scale, "Set5"), state.time(name, scale)
    peers = [
        one for one in state.times if one.scale == scale and one.kind == "peer" and one.system.startswith("OpenCV")
    ]
    scores = {one.system: score.psnr for one in peers if (score := state.score(one.system, scale, "Set5"))}
    about = f"{family}-x{scale}: not slower than OpenCV's model of the next lower quality"
    if own is None or times is None or times.picture is None or not scores:
        yield Promise(about, "not measured", False)
        return
    worse = {system: psnr for system, psnr in scores.items() if psnr < own.psnr}
    if not worse:
        yield Promise(about, "there is none", True)
        return
    system = max(worse, key=lambda name: worse[name])
    peer = next(one for one in peers if one.system == system)
    assert peer.picture is not None
    text = f"{times.picture:.1f} ms per megapixel ({precision}), {system} {peer.picture:.1f}"
    yield Promise(about, text, times.picture <= peer.picture)


def _int8(state: Measurements, family: str, scale: int) -> Iterator[Promise]:
    times, slower = state.time(f"{family} int8", scale), state.time(f"{family} bf16", scale)
    about = f"{family}-x{scale}: int8 loses at most {INT8_LOSS} dB on every set"
    losses = {}
    for pictures in SETS:
        exact, rounded = (state.score(f"{family} {how}", scale, pictures) for how in ("fp32", "int8"))
        if exact is not None and rounded is not None:
            losses[pictures] = exact.psnr - rounded.psnr
    if losses:
        found = ", ".join(f"{pictures} {loss:+.3f}" for pictures, loss in losses.items())
        yield Promise(about, f"lost {found} dB", len(losses) == len(SETS) and max(losses.values()) <= INT8_LOSS)
    else:
        yield Promise(about, "not measured", False)
    about = f"{family}-x{scale}: int8 at least {INT8_SPEED} times as fast as bf16"
    if times is None or slower is None or not times.network or not slower.network:
        yield Promise(about, "not measured", False)
    else:
        ratio = slower.network / times.network
        yield Promise(about, f"{ratio:.2f} times", ratio >= INT8_SPEED)


def _share(state: Measurements, family: str, scale: int) -> Iterator[Promise]:
    precision = shipped(state, family, scale)
    times = state.time(f"{family} {precision}", scale)
    about = f"{family}-x{scale}: {PEAK_SHARE:.0%} of the engine's peak"
    if times is None or times.share is None:
        yield Promise(about, "not measured", False)
    else:
        found = f"{times.share:.0%}, {times.gops:.0f} GOP/s ({precision})"
        yield Promise(about, found, times.share >= PEAK_SHARE)


def _weights() -> Promise:
    names = [name for scale in SCALES for name in house_models(scale)]
    size = sum(len(zoo.load_model(name).network.onnx) for name in names) / 1e6
    about = f"the house's weights: at most {MEGABYTES:g} MB in all"
    return Promise(about, f"{size:.2f} MB in {len(names)} files", size <= MEGABYTES)


def lines(promises: list[Promise]) -> list[str]:
    """For a terminal."""
    width = max(len(one.about) for one in promises)
    made = [f"{'kept  ' if one.kept else 'BROKEN'}  {one.about:<{width}}  {one.found}" for one in promises]
    return [*made, f"{sum(one.kept for one in promises)} of {len(promises)} promises are kept"]
