"""Lays a comparison out as one picture: a heading with the whole picture, then one labelled panel per method."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from subpixel.measure import lettering
from subpixel.measure.comparison import Box, Comparison, Shown
from subpixel.measure.faithful import GAIN
from subpixel.measure.sets import resize_pixels
from subpixel.types import Size

Colour = tuple[int, int, int]

GROUND: Final[Colour] = (24, 26, 29)
PANEL: Final[Colour] = (36, 39, 43)
BRIGHT: Final[Colour] = (240, 241, 242)
QUIET: Final[Colour] = (160, 166, 172)
ACCENT: Final[Colour] = (255, 190, 70)
MARGIN: Final = 32
"""Round the sheet."""
GAP: Final = 20
"""Between panels."""
CAPTION: Final = 58
"""Height of the two lines under a crop."""
LEAST_PANEL: Final = 224
"""A crop narrower than this is shown magnified by a whole number."""
MOST_PANEL: Final = 720
"""A crop wider than this leaves room for fewer panels in a row."""
SHEET_WIDTH: Final = 1640
"""A row of panels is broken before it becomes wider than this."""
OVERVIEW: Final = Size(264, 132)
"""The whole picture is shown inside this."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands, in pixels of the sheet.

    Attributes:
        size: of the sheet.
        magnification: of every crop.
        overview: the whole picture.
        panels: one box per method, caption included.
        crop: size of a crop on the sheet.
    """

    size: Size
    magnification: int
    overview: Box
    panels: tuple[Box, ...]
    crop: Size


def lay_out(comparison: Comparison) -> Layout:
    """Decide sizes and places: columns so that the sheet is neither too wide nor a single column."""
    first = comparison.shown[0].crop
    magnification = max(1, math.ceil(LEAST_PANEL / first.shape[1]))
    crop = Size(first.shape[1] * magnification, first.shape[0] * magnification)
    count = len(comparison.shown)
    room = max(1, (SHEET_WIDTH - 2 * MARGIN + GAP) // (crop.width + GAP))
    columns = min(count, room)
    columns = math.ceil(count / math.ceil(count / columns))  # even rows: 5 in rows of 4 become 3 and 2
    columns = _together(comparison, columns, room)
    head = OVERVIEW.height
    shrink = min(OVERVIEW.width / comparison.before.width, OVERVIEW.height / comparison.before.height)
    whole = Size(max(1, round(comparison.before.width * shrink)), max(1, round(comparison.before.height * shrink)))
    width = max(2 * MARGIN + columns * crop.width + (columns - 1) * GAP, 720)
    top = MARGIN + head + GAP + 8
    panels = tuple(
        Box(
            MARGIN + (index % columns) * (crop.width + GAP),
            top + (index // columns) * (crop.height + CAPTION + GAP),
            crop.width,
            crop.height + CAPTION,
        )
        for index in range(count)
    )
    height = panels[-1].y + panels[-1].height + MARGIN
    overview = Box(MARGIN, MARGIN, whole.width, whole.height)
    return Layout(Size(width, height), magnification, overview, panels, crop)


def _together(comparison: Comparison, columns: int, room: int) -> int:
    """The nearest number of columns with which no map begins a row, apart from the result that it belongs to."""
    maps = [index for index, shown in enumerate(comparison.shown) if shown.of]
    good = [n for n in range(1, room + 1) if all(index % n for index in maps)]
    return min(good, key=lambda n: (abs(n - columns), -n), default=columns)


def draw_sheet(comparison: Comparison, *, title: str) -> NDArray[np.uint8]:
    """Draw a comparison.

    Args:
        comparison: what to show.
        title: first line of the heading, such as the file's name.

    Returns:
        (H, W, 3), 8 bits.
    """
    layout = lay_out(comparison)
    sheet = np.empty((layout.size.height, layout.size.width, 3), np.uint8)
    sheet[:] = GROUND
    _heading(sheet, layout, comparison, title)
    scores = [shown.psnr for shown in comparison.shown if shown.psnr is not None]
    best = max(scores, default=None)
    for box, shown in zip(layout.panels, comparison.shown, strict=True):
        _fill(sheet, box, PANEL)
        crop = shown.crop.repeat(layout.magnification, axis=0).repeat(layout.magnification, axis=1)
        sheet[box.y : box.y + crop.shape[0], box.x : box.x + crop.shape[1]] = crop
        _caption(sheet, box, layout.crop.height, shown, best)
    return sheet


def _heading(sheet: NDArray[np.uint8], layout: Layout, comparison: Comparison, title: str) -> None:
    box = layout.overview
    sheet[box.y : box.y + box.height, box.x : box.x + box.width] = resize_pixels(
        comparison.whole, box.height, box.width
    )
    _frame(sheet, _on_overview(comparison, box))
    left = MARGIN + box.width + 24
    room = layout.size.width - left - MARGIN
    area = comparison.area
    whole = (area.width, area.height) == (comparison.before.width, comparison.before.height)
    lines = [
        f"×{comparison.scale:g}, from {comparison.before} to {comparison.after} pixels",
        f"crop of {comparison.crop}"
        + (f", shown {layout.magnification}× magnified" if layout.magnification > 1 else ""),
        ("times for the whole picture" if whole else f"times for a part of {area}")
        + (f", {comparison.engine}" if comparison.engine else ""),
    ]
    _write(sheet, left, MARGIN + 4, lettering.fit(title, 24, room), 24, BRIGHT)
    for index, text in enumerate(lines):
        _write(sheet, left, MARGIN + 50 + 26 * index, lettering.fit(text, 16, room), 16, QUIET)


def _on_overview(comparison: Comparison, box: Box) -> Box:
    """The crop's place on the overview."""
    across, down = box.width / comparison.before.width, box.height / comparison.before.height
    crop = comparison.crop
    return Box(
        box.x + round(crop.x * across),
        box.y + round(crop.y * down),
        max(3, round(crop.width * across)),
        max(3, round(crop.height * down)),
    )


def _caption(sheet: NDArray[np.uint8], box: Box, below: int, shown: Shown, best: float | None) -> None:
    """Name, then time, score and how well the result reduces to the picture again, under a crop."""
    inset = 14
    room = box.width - 2 * inset
    details = []
    if shown.seconds is not None:
        details.append(duration(shown.seconds))
    if shown.psnr is not None:
        details.append("equal to the reference" if math.isinf(shown.psnr) else f"{shown.psnr:.2f} dB")
    if shown.returned is not None:
        details.append(f"reduced again: {shown.returned.mean:.2f} off")
    is_best = shown.psnr is not None and shown.psnr == best
    _write(sheet, box.x + inset, box.y + below + 9, lettering.fit(shown.name, 16, room), 16, BRIGHT)
    other = f"{GAIN} times, by {shown.of}" if shown.of else "what the others try to be"
    text = lettering.fit(" · ".join(details) or other, 13, room)
    _write(sheet, box.x + inset, box.y + below + 33, text, 13, ACCENT if is_best else QUIET)


def duration(seconds: float) -> str:
    """Seconds for people: ``3 ms``, ``0.21 s``, ``4.7 s``, ``83 s``."""
    if seconds < 0.1:
        return f"{max(1, round(seconds * 1000))} ms"
    return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s" if seconds < 20 else f"{seconds:.0f} s"


def _write(sheet: NDArray[np.uint8], x: int, y: int, text: str, size: int, colour: Colour) -> None:
    """Lay a line of text over the sheet with its upper left corner at (x, y)."""
    cover = lettering.line(text, size)[..., None] / 255.0
    part = sheet[y : y + cover.shape[0], x : x + cover.shape[1]]
    part[:] = np.rint(part + cover * (np.asarray(colour) - part)).astype(np.uint8)


def _fill(sheet: NDArray[np.uint8], box: Box, colour: Colour) -> None:
    sheet[box.y : box.y + box.height, box.x : box.x + box.width] = colour


def _frame(sheet: NDArray[np.uint8], box: Box) -> None:
    """A frame of two pixels round a box, dark outside so that it shows on any ground."""
    for grow, colour in ((2, GROUND), (1, ACCENT), (0, ACCENT)):
        top, bottom = max(box.y - grow, 0), box.y + box.height + grow
        left, right = max(box.x - grow, 0), box.x + box.width + grow
        for strip in (
            np.s_[top : top + 1, left:right],
            np.s_[bottom - 1 : bottom, left:right],
            np.s_[top:bottom, left : left + 1],
            np.s_[top:bottom, right - 1 : right],
        ):
            sheet[strip] = colour
