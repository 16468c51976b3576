"""A contact sheet of what a network will be shown: crops, and the small pictures made of them, with what was drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from subpixel.measure import lettering
from subpixel.measure.sheet import BRIGHT, GAP, GROUND, MARGIN, PANEL, QUIET
from subpixel_train.data.degrade import Blur, Jpeg, Noise, Pipeline, Resize, Step, Webp
from subpixel_train.data.examples import Degraded, Geometry, detail, make_example, make_picture
from subpixel_train.data.photographs import Photograph, read_all
from subpixel_train.data.pixels import levels, reductions, resized, squashed
from subpixel_train.data.settings import DataSettings
from subpixel_train.data.variation import Varied

LEAST_SIDE: Final = 240
"""Side of a panel in pixels of the sheet, at least; crops are magnified by whole numbers to reach it."""
MOST_SIDE: Final = 480
"""A larger crop is shown by its upper left corner, so that pixels stay pixels."""
DRAWS: Final = 4
"""Small pictures beside each crop."""
PLACES: Final = 24
"""Places tried for a crop; the one with most to see is shown."""
CANDIDATES: Final = 8
"""Photographs of which the one with most to see stands for all, where degradations are shown one by one."""
EACH_SIDE: Final = 48
"""Small pixels of the crop there, at least."""
LINE: Final = 18
"""Height of a line of small type."""
ALL_KINDS: Final[tuple[Step, ...]] = (
    Blur(anisotropic=0),
    Blur(anisotropic=1),
    Resize(kernel=["bilinear", "area", "lanczos", "nearest"]),
    Resize(kernel="bilinear", antialias=False),
    Noise(model="gaussian", grey=0),
    Noise(model="gaussian", grey=1),
    Noise(model="poisson"),
    Jpeg(),
    Webp(),
)
"""What is shown one by one where a recipe degrades nothing."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture on the sheet, (H, W, 3), with the lines under it: a name, and what was done."""

    pixels: NDArray[np.uint8]
    name: str
    done: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """A photograph and the place in it that is shown, in small pixels."""

    name: str
    rgb: NDArray[np.uint8]
    small: NDArray[np.uint8] | None
    top: int
    left: int
    side: int
    detail: float


def preview(
    photographs: Sequence[Photograph],
    settings: DataSettings,
    scale: int,
    *,
    title: str,
    enlarged: bool = False,
    seed: int = 0,
    count: int = 4,
    each: bool = False,
) -> NDArray[np.uint8]:
    """Draw the sheet.

    Args:
        photographs: those that are trained with; `count` are shown, evenly spread.
        settings: the recipe's `data`.
        scale: upscale factor, the largest.
        title: first line of the sheet.
        enlarged: the network's input, which crops are measured in, is the enlarged picture.
        seed: other seeds draw other crops and values.
        count: rows, one photograph each.
        each: show every degradation of the recipe on its own, a row each, on one photograph; all kinds where it has
            none.

    Returns:
        (H, W, 3) uint8.
    """
    shown = min(CANDIDATES if each else count, len(photographs))
    chosen = [photographs[index * len(photographs) // shown] for index in range(shown)]
    if each:
        steps = settings.degrade or ALL_KINDS
        wide = settings.model_copy(update={"crop": max(settings.crop, EACH_SIDE)})
        source = max(_sources(chosen, wide, scale, seed, enlarged), key=lambda source: source.detail)
        rows = [_row(source, _alone(steps, index), scale, seed, step.kind) for index, step in enumerate(steps)]
        return _sheet(rows, title, f"every degradation on its own, {_sizes(source.side, scale)}")
    sources = _sources(chosen, settings, scale, seed, enlarged)
    rows = [
        _varied(source, settings, scale, seed + index)
        if settings.vary
        else _row(source, settings.pipeline(), scale, seed + index, "crop")
        for index, source in enumerate(sources)
    ]
    order = ", ".join(["varied"] * bool(settings.vary) + [step.kind for step in settings.degrade]) or "clean"
    rounds = f", {settings.degrade_rounds} rounds" if settings.degrade_rounds > 1 else ""
    shuffled = ", shuffled" if settings.degrade_shuffled else ""
    return _sheet(rows, title, f"{order}{rounds}{shuffled}; {_sizes(sources[0].side, scale)}")


def _sizes(side: int, scale: int) -> str:
    return f"×{scale}, from {side}×{side} to {side * scale}×{side * scale} pixels"


def _alone(steps: Sequence[Step], index: int) -> Pipeline:
    """One step where it stands: before the reduction if a resize follows it, else after it."""
    step = steps[index].model_copy(update={"chance": 1.0})
    reduction = () if step.kind == "resize" else (Resize(),)
    follows = any(later.kind == "resize" for later in steps[index:]) and steps is not ALL_KINDS
    return Pipeline((step, *reduction) if follows or step.kind == "blur" else (*reduction, step))


def _sources(
    photographs: Sequence[Photograph], settings: DataSettings, scale: int, seed: int, enlarged: bool
) -> list[_Source]:
    """The photographs with the place of each that has most to see among some drawn at random."""

    def make(photograph: Photograph) -> _Source:
        rgb, small = photograph.read(), photograph.read_small()
        if settings.mode == "square":
            rgb = squashed(rgb, settings.crop * scale)
            return _Source(photograph.name, rgb, None, 0, 0, settings.crop, 0.0)
        if small is None:
            rgb = resized(rgb, settings.sizes[0])
        crop = max(1, settings.crop // scale) if enlarged or settings.mode == "centre" else settings.crop
        side = min(crop, MOST_SIDE // scale, rgb.shape[0] // scale, rgb.shape[1] // scale)
        rng = np.random.default_rng((seed, len(photograph.name), *rgb.shape[:2]))
        best, place = -1.0, (0, 0)
        for _ in range(PLACES):
            top, left = (int(rng.integers(length // scale - side + 1)) for length in rgb.shape[:2])
            piece = rgb[top * scale : (top + side) * scale, left * scale : (left + side) * scale]
            if (found := detail(np.divide(piece, 255, dtype=np.float32))) > best:
                best, place = found, (top, left)
        return _Source(photograph.name, rgb, small, *place, side, best)

    return read_all(photographs, make)


def _row(source: _Source, pipeline: Pipeline | None, scale: int, seed: int, name: str) -> list[Panel]:
    """The crop, and small pictures made of it."""
    geometry = Geometry((scale,), 0, channels=3, scale=scale)
    where = (source.top, source.left, source.side, source.side)
    if pipeline is None:
        picture = make_picture(source.name, source.rgb, (scale,), source.small)
        cut = picture.cut(geometry, *where, ())
        done = "given" if source.small is not None else "bicubic"
        return [
            Panel(levels(cut.targets[0]), f"{name}, {source.name}", ("photograph",)),
            Panel(levels(cut.input), "input", (done,)),
        ]
    example = make_example(source.name, source.rgb, geometry, (scale,), pipeline=pipeline)
    assert isinstance(example, Degraded)
    panels = [Panel(_crop(source, scale), f"{name}, {source.name}", ("photograph",))]
    for draw in range(DRAWS):
        cut, operations = example.drawn(geometry, *where, (seed, draw))
        panels.append(Panel(levels(cut.input), f"input {draw + 1}", tuple(one.caption for one in operations)))
    return panels


def _varied(source: _Source, settings: DataSettings, scale: int, seed: int) -> list[Panel]:
    """The crop, and small pictures of what varying makes of it, each by another draw."""
    geometry = Geometry((scale,), 0, channels=3, scale=scale)
    assert settings.vary is not None
    example = Varied(source.name, source.rgb, (scale,), settings.vary, pipeline=settings.pipeline())
    panels = [Panel(_crop(source, scale), f"crop, {source.name}", ("photograph",))]
    for draw in range(DRAWS):
        cut, done = example.drawn(geometry, source.top, source.left, source.side, source.side, (seed, draw))
        panels.append(Panel(levels(cut.input), f"input {draw + 1}", done or ("as it is",)))
    return panels


def _crop(source: _Source, scale: int) -> NDArray[np.uint8]:
    top, left, side = source.top * scale, source.left * scale, source.side * scale
    return reductions(source.rgb[top : top + side, left : left + side], (scale,))[0]


def _sheet(rows: Sequence[Sequence[Panel]], title: str, subtitle: str) -> NDArray[np.uint8]:
    """Rows of panels, all magnified to one size; each row is as high as its longest caption needs."""
    large = max(panel.pixels.shape[0] for row in rows for panel in row)
    side = large * max(1, math.ceil(LEAST_SIDE / large))
    heights = [side + 36 + LINE * max(len(panel.done) for panel in row) + 10 for row in rows]
    columns = max(len(row) for row in rows)
    width = max(2 * MARGIN + columns * side + (columns - 1) * GAP, 640)
    height = 2 * MARGIN + 72 + sum(heights) + GAP * (len(rows) - 1)
    sheet = np.empty((height, width, 3), np.uint8)
    sheet[:] = GROUND
    _write(sheet, MARGIN, MARGIN, title, 24, BRIGHT, width - 2 * MARGIN)
    _write(sheet, MARGIN, MARGIN + 36, subtitle, 16, QUIET, width - 2 * MARGIN)
    y = MARGIN + 72
    for row, tall in zip(rows, heights, strict=True):
        for column, panel in enumerate(row):
            x = MARGIN + column * (side + GAP)
            sheet[y : y + tall, x : x + side] = PANEL
            shown = _magnified(panel.pixels, side)
            sheet[y : y + shown.shape[0], x : x + shown.shape[1]] = shown
            _write(sheet, x + 12, y + side + 8, panel.name, 16, BRIGHT, side - 24)
            for line, text in enumerate(panel.done):
                _write(sheet, x + 12, y + side + 34 + LINE * line, text, 13, QUIET, side - 24)
        y += tall + GAP
    return sheet


def _magnified(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Every pixel repeated, to `side` rows and columns."""
    factor = side // pixels.shape[0]
    return pixels.repeat(factor, 0).repeat(factor, 1)


def _write(
    sheet: NDArray[np.uint8], x: int, y: int, text: str, size: int, colour: tuple[int, int, int], room: int
) -> None:
    """Lay a line of text over the sheet with its upper left corner at (x, y), shortened to `room` pixels."""
    cover = lettering.line(lettering.fit(text, size, room), size)[..., None] / 255.0
    part = sheet[y : y + cover.shape[0], x : x + cover.shape[1]]
    part[:] = np.rint(part + cover * (np.asarray(colour) - part)).astype(np.uint8)
