"""The sections of results.md that tell the frontier."""

from __future__ import annotations

from measurements import Measurements
from report import table, versions
from scoring import OPENCV, PUBLISHED, SETS
from systems import REFERENCE, SCALES, SIZES
from timing import CALM, Times

_ORDER = ("house", "other", "peer", "bicubic")


def section(state: Measurements) -> str:
    """All tables."""
    parts = [_head(state)]
    for scale in SCALES:
        rows = [one for one in state.times if one.scale == scale]
        if not rows:
            continue
        width, height = SIZES[scale]
        parts.append(f"### ×{scale}, from {width}×{height}")
        parts.append(_main(state, rows, scale))
        parts.append(_peaks(rows))
        parts.append("The same network elsewhere, compiled for the size where the engine does that:")
        parts.append(_engines(rows))
    parts.append(
        "### Small pictures made by OpenCV\n\nThe same scores on small pictures made by `cv2.resize(…, INTER_CUBIC)`, "
        "which does not antialias: what OpenCV's models were trained on, and what nobody else's were."
    )
    parts += [_quality(state, scale) for scale in SCALES if any(one.scale == scale for one in state.quality)]
    return "\n\n".join(part for part in parts if part)


def times_section(state: Measurements) -> str:
    """Times of another machine, without scores."""
    head = f"""Command: `{state.command}`

Machine: {state.machine}.{_company(state)}

The same systems where the processor multiplies tiles of bf16 and of 8-bit integers: times alone, for scores are those
above. A tile takes 64 bytes of one place. 32 channels of 8 bits fill half of it, so that int8 is hardly quicker than
bf16 in `swift` and `crisp`; 64 channels fill it."""
    parts = [head]
    for scale in SCALES:
        rows = [one for one in state.times if one.scale == scale]
        if rows:
            width, height = SIZES[scale]
            parts += [f"### With AMX, ×{scale}, from {width}×{height}", _main(state, rows, scale), _peaks(rows)]
    return "\n\n".join(part for part in parts if part)


def _head(state: Measurements) -> str:
    packages = versions("subpixel", "openvino", "onnxruntime", "torch", "opencv-contrib-python-headless", "ncnn")
    return f"""Command: `python benchmarks/frontier.py --peers PEERS --data DATA`; the times: `{state.command}`

Machine: {state.machine}. {packages}.{_company(state)}

PSNR in dB / SSIM on Y (protocol: docs/reference/measure.md), small pictures as published. Milliseconds per megapixel of
result, medians of rounds in which all systems of a factor take turns; *ratio*: to `{REFERENCE}` in the same round.
*Picture*: 8-bit RGB in, 8-bit RGB out, everything a user waits for but reading and writing files. *Network*: the
network alone on inputs of the whole picture's size, compiled for that size; in OpenVINO one on each thread, side by
side, and the time of one.

![PSNR against time of a whole picture, ×4](../docs/images/frontier.png)

![PSNR against time of the network alone, ×4](../docs/images/frontier-network.png)"""


def _company(state: Measurements) -> str:
    """A word of warning where other programs ran beside the measurement."""
    calm = min((one.calm for one in state.times if one.calm is not None), default=1.0)
    if calm >= CALM:
        return ""
    return (
        f" **Other programs ran beside this**: some of the times are from {calm:.0%} of the threads' time; ratios hold."
    )


def _main(state: Measurements, rows: list[Times], scale: int) -> str:
    cells = []
    for one in sorted((row for row in rows if row.kind in _ORDER), key=lambda row: _ORDER.index(row.kind)):
        scores = [_score(state, one.system, scale, name, PUBLISHED) for name in SETS] if state.quality else []
        own = one.kind in ("house", "other")
        times = (
            _number(one.picture),
            _number(one.picture_ratio, 2),
            _number(one.network),
            _number(one.network_ratio, 2),
        )
        reached = f"{one.gops:.0f}" if own and one.gops else ""
        share = f"{one.share:.0%}" if own and one.share else ""
        cells.append([one.system, *scores, *times, reached, share])
    sets = SETS if state.quality else ()
    heads = ["system", *sets, "picture, ms", "ratio", "network, ms", "ratio", "GOP/s", "of the peak"]
    return table(heads, cells)


def _peaks(rows: list[Times]) -> str:
    found = [f"{one.precision} {one.gops:.0f}" for one in rows if one.kind == "peak" and one.gops]
    if not found:
        return ""
    return (
        f"The engine's peak in the same rounds, eight convolutions 64→64, 3×3, on 256×256, GOP/s: {', '.join(found)}."
    )


def _engines(rows: list[Times]) -> str:
    own = {one.system: one for one in rows}
    cells = []
    for one in (row for row in rows if row.kind == "engine"):
        first = own.get(one.system.partition(",")[0])
        longer = ""
        if first is not None and first.network and one.network:
            longer = f"{one.network / first.network:.2f}"
        cells.append([one.system, _number(one.network), _number(one.network_ratio, 2), longer])
    return table(["system", "network, ms", "ratio", "times as long as OpenVINO"], cells)


def _quality(state: Measurements, scale: int) -> str:
    systems = dict.fromkeys(one.system for one in state.quality if one.scale == scale and one.small == OPENCV)
    cells = [[system, *(_score(state, system, scale, name, OPENCV) for name in SETS)] for system in systems]
    return table([f"×{scale}", *SETS], cells)


def _score(state: Measurements, system: str, scale: int, pictures: str, small: str) -> str:
    score = state.score(system, scale, pictures, small)
    return f"{score.psnr:.2f} / {score.ssim:.4f}" if score else ""


def _number(value: float | None, digits: int = 1) -> str:
    return "" if value is None else f"{value:,.{digits}f}"
