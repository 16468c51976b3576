"""Draws the frontier: quality against time, our line and everybody else's points. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from floors import shipped
from measurements import Measurements
from scoring import OPENCV
from systems import FAMILIES, SIZES

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from matplotlib.transforms import Bbox

INK, QUIET, GRID = "#22272b", "#5f6a72", "#e3e6e8"
OURS, STUDY, PEER, QUOTED = "#0072b2", "#4d7f9e", "#b84a00", "#7d5a91"  # after Okabe and Ito, dark enough for letters
SET, SCALE = "Set5", 4
RESULT_MEGAPIXELS: Final = SIZES[SCALE][0] * SIZES[SCALE][1] * SCALE**2 / 1e6

PUBLISHED: Final = {
    "bf16": (
        (9.0, 30.89),
        (16.8, 31.21),
        (21, 31.43),
        (28, 31.56),
        (46, 31.71),
        (51, 31.79),
        (85, 32.02),
        (185, 32.26),
    ),
    "int8": ((6.1, 30.89), (10.2, 31.21), (12.9, 31.43), (25, 31.71), (40, 31.79), (67, 32.02), (127, 32.26)),
}
"""Published networks (ETDS up to 31.43 and 31.71, PlainUSR the others) as quoted, not measured by this command: ms from
320×180 to 1280×720 on a machine of this class, and PSNR of their fp32 on Set5 ×4."""

_PLACES: Final = (
    (1, 0, "left", "center"), (0, 1, "center", "bottom"), (0, -1, "center", "top"), (-1, 0, "right", "center"),
    (0.8, 0.8, "left", "bottom"), (0.8, -0.8, "left", "top"),
    (-0.8, 0.8, "right", "bottom"), (-0.8, -0.8, "right", "top"),
)  # fmt: skip
"""Where a label may stand: direction from the point, alignment."""
_ABOVE: Final = ((-0.8, 0.8, "right", "bottom"), (-1, 0, "right", "center"), (0, 1, "center", "bottom"))
_BELOW: Final = ((0, -1, "center", "top"), (0.8, -0.8, "left", "top"))
"""The same for points of lines that rise to the right."""


@dataclass(frozen=True, slots=True)
class Point:
    """A labelled point: x in milliseconds per megapixel of result, y in dB."""

    label: str
    x: float
    y: float
    colour: str
    marker: str = "o"
    size: float = 46
    bold: bool = False


@dataclass(slots=True)
class Labels:
    """Puts labels where nothing else stands."""

    axes: Axes
    taken: list[Bbox] = field(default_factory=list)

    def block(self, x: float, y: float, radius: float = 7.0) -> None:
        """Nothing may stand on a point; `radius` in pixels of the screen."""
        across, down = self.axes.transData.transform((x, y))
        self.taken.append(Bbox.from_extents(across - radius, down - radius, across + radius, down + radius))

    def block_line(self, first: tuple[float, float], last: tuple[float, float]) -> None:
        """Nor on a line."""
        start, end = self.axes.transData.transform([first, last])
        for step in range(41):
            across, down = start + (end - start) * step / 40
            self.taken.append(Bbox.from_extents(across - 4, down - 4, across + 4, down + 4))

    def put(self, point: Point, first: Sequence[tuple[float, float, str, str]] = ()) -> None:
        """Write a point's label at the nearest free place round it, `first` in order of preference."""
        renderer: Any = self.axes.figure.canvas.get_renderer()  # type: ignore[union-attr]
        inside = self.axes.get_window_extent(renderer)
        for distance in (9, 14, 20, 28, 38, 50, 65, 85, 110, 140):
            for right, up, across, down in (*(first or (_ABOVE if point.bold else ())), *_PLACES):
                text = self.axes.annotate(
                    point.label,
                    (point.x, point.y),
                    (right * distance, up * distance),
                    textcoords="offset points",
                    ha=across,
                    va=down,
                    fontsize=10.5,
                    fontweight="bold" if point.bold else "normal",
                    color=point.colour,
                    arrowprops={"arrowstyle": "-", "lw": 0.7, "color": point.colour} if distance > 20 else None,
                )
                text.update_positions(renderer)
                box = Text.get_window_extent(text, renderer).padded(1.5)  # without the line that leads to it
                free = inside.x0 < box.x0 and box.x1 < inside.x1 and inside.y0 < box.y0 and box.y1 < inside.y1
                if free and not any(box.overlaps(other) for other in self.taken):
                    self.taken.append(box)
                    return
                text.remove()


def draw(state: Measurements, folder: Path) -> list[Path]:
    """Draw both pictures into a folder; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    whole, alone = folder / "frontier.png", folder / "frontier-network.png"
    _whole(state, whole)
    _alone(state, alone)
    return [whole, alone]


def points(state: Measurements, level: str) -> list[Point]:
    """Every system but the house's line and other engines, at `level`: picture or network."""
    made = []
    for one in state.times:
        x, score = getattr(one, level), state.score(one.system, SCALE, SET)
        if one.scale != SCALE or x is None or score is None:
            continue
        if one.kind == "peer":
            made.append(Point(one.system, x, score.psnr, PEER, "s"))
        elif one.kind == "bicubic" and (level == "picture") == one.system.startswith("OpenCV"):
            made.append(Point(one.system, x, score.psnr, QUIET, "D", 36))
        elif one.kind == "other" and one.precision == "bf16":
            made.append(Point(f"our {one.system.partition(' ')[0].upper()}", x, score.psnr, STUDY, "o"))
    return made


def line(state: Measurements, level: str, precision: str | None = None) -> list[Point]:
    """The house's models from swift to fine, in one precision, or in the one that ships."""
    made = []
    for family in FAMILIES:
        how = precision or shipped(state, family, SCALE)
        times, score = state.time(f"{family} {how}", SCALE), state.score(f"{family} {how}", SCALE, SET)
        x = getattr(times, level) if times else None
        if x is not None and score is not None:
            made.append(Point(family, x, score.psnr, OURS, "o", 90, bold=True))
    return made


def _whole(state: Measurements, target: Path) -> None:
    """What a user waits for and gets."""
    own, others = line(state, "picture"), points(state, "picture")
    figure, axes = _figure("How good, how long: ×4 on two cores of a CPU", own + others)
    axes.set_xlabel("milliseconds per megapixel of result, whole picture, RGB in and out (logarithmic)")
    labels = Labels(axes)
    _connect(axes, labels, own, "-", 2.6)
    for one in others:
        theirs = state.score(one.label, SCALE, SET, OPENCV)
        if one.label.startswith("OpenCV") and one.colour == PEER and theirs:
            axes.plot([one.x, one.x], [one.y, theirs.psnr], color=PEER, lw=1.4, zorder=2)
            axes.plot([one.x], [theirs.psnr], color=PEER, marker="_", ms=9, mew=1.4, zorder=2)
            labels.block_line((one.x, one.y), (one.x, theirs.psnr))
    _scatter(axes, labels, [*own, *others])
    _note(figure, "Dashes at OpenCV's models: on small pictures reduced without antialiasing, as they were trained.")
    _save(figure, target)


def _alone(state: Measurements, target: Path) -> None:
    """The network alone, in every precision, beside published networks."""
    lines = {how: own for how in ("int8", "bf16", "fp32") if (own := line(state, "network", how))}
    quoted = {how: [(ms / RESULT_MEGAPIXELS, psnr) for ms, psnr in row] for how, row in PUBLISHED.items()}
    study = [one for one in points(state, "network") if one.label == "our ESPCN"]
    marks = [Point("", x, y, QUOTED) for row in quoted.values() for x, y in row]
    figure, axes = _figure(
        "The network alone: ×4, 320×180 to 1280×720, two cores", [*chain(*lines.values()), *marks, *study]
    )
    axes.set_xlabel("milliseconds per megapixel of result, network alone, compiled for the size (logarithmic)")
    labels = Labels(axes)
    for style, own in zip(("-", (0, (5, 1.5)), (0, (1, 1))), lines.values(), strict=False):
        _connect(axes, labels, own, style, 2.4)
    for how, row in quoted.items():
        axes.plot(*zip(*row, strict=True), color=QUOTED, lw=1.3, ls=(0, (6, 3)), marker=".", ms=7, zorder=1)
        for first, last in pairwise(row):
            labels.block_line(first, last)
        labels.put(Point(f"published, {how}", *row[-1], QUOTED))
    for index, (how, own) in enumerate(lines.items()):
        names = own if index == 0 else []
        _scatter(axes, labels, own, names=names)
        labels.put(Point(how, own[0].x, own[0].y, OURS), _BELOW)
    _scatter(axes, labels, study)
    _note(
        figure,
        "Dashed, violet: published networks (ETDS, PlainUSR), as quoted for a machine of this class, not measured in "
        "this run;\ntheir int8 times stand beside the PSNR of their fp32.",
    )
    _save(figure, target)


def _figure(title: str, shown: Sequence[Point]) -> tuple[Any, Axes]:
    figure, axes = plt.subplots(figsize=(9.6, 5.6), dpi=160)
    figure.subplots_adjust(left=0.075, right=0.98, top=0.9, bottom=0.155)
    axes.set_title(title, loc="left", fontsize=14, fontweight="bold", color=INK, pad=12)
    axes.set_title("↖ better", loc="right", fontsize=10.5, color=QUIET, pad=12)
    axes.set_xscale("log")
    xs, ys = [one.x for one in shown] or [1, 100], [one.y for one in shown] or [28, 32]
    axes.set_xlim(min(xs) / 1.6, max(xs) * 2.4)
    axes.set_ylim(min(ys) - 0.35, max(ys) + 0.35)
    axes.set_ylabel(f"PSNR on Y, {SET}, dB", color=QUIET, fontsize=10.5)
    axes.xaxis.label.set(color=QUIET, fontsize=10.5)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if max(xs) < 100 * min(xs) else (1,)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.grid(color=GRID, lw=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=QUIET, labelsize=10, length=0, which="both")
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(QUIET)
    figure.canvas.draw()
    return figure, axes


def _connect(axes: Axes, labels: Labels, own: Sequence[Point], style: Any, width: float) -> None:
    axes.plot([one.x for one in own], [one.y for one in own], color=OURS, ls=style, lw=width, zorder=3)
    for first, last in pairwise(own):
        labels.block_line((first.x, first.y), (last.x, last.y))


def _scatter(axes: Axes, labels: Labels, shown: Sequence[Point], names: Sequence[Point] | None = None) -> None:
    for one in shown:
        axes.scatter(one.x, one.y, one.size, color=one.colour, marker=one.marker, zorder=4, edgecolors="white", lw=0.8)
        labels.block(one.x, one.y)
    for one in shown if names is None else names:
        labels.put(one)


def _note(figure: Any, text: str) -> None:
    figure.text(0.075, 0.018, text, fontsize=8.5, color=QUIET, va="bottom")


def _save(figure: Any, target: Path) -> None:
    partial = target.with_suffix(".partial.png")
    figure.savefig(partial, facecolor="white")
    plt.close(figure)
    partial.replace(target)
