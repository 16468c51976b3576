"""Drawings to learn from beside photographs: writing, lines and shapes with the sharp edges that no camera gives.

Screenshots, scans and drawings have edges several times as strong as photographs. Every drawing follows from its
number alone: nothing to download, no fonts, no licences. What stands for letters are strokes put together at random, as
letters are, at all sizes and slants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from subpixel_train.data.photographs import Photograph

SIDE: Final = 480
"""Sides of a drawing in pixels."""
STROKES: Final[tuple[tuple[float, float, float, float], ...]] = (
    (0, 0, 0, 1),
    (1, 0, 1, 1),
    (0.5, 0, 0.5, 1),
    (0, 0, 1, 0),
    (0, 0.5, 1, 0.5),
    (0, 1, 1, 1),
    (0, 0, 1, 1),
    (0, 1, 1, 0),
    (0, 0, 0.5, 1),
    (1, 0, 0.5, 1),
    (0.5, 0, 1, 1),
)
"""Straight strokes of a letter, from (x, y) to (x, y) of its box."""
BOWLS: Final[tuple[tuple[float, float], ...]] = ((0.5, 0.25), (0.5, 0.5), (0.5, 0.75))
"""Centres (x, y) of a letter's round strokes in its box."""

Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Drawing(Photograph):
    """One drawing, made when it is read.

    Attributes:
        number: everything in it follows from this.
    """

    number: int

    @property
    def name(self) -> str:  # type: ignore[override]
        """Its number."""
        return f"drawing {self.number}"

    def read(self) -> NDArray[np.uint8]:
        """(480, 480, 3), sRGB."""
        return draw(self.number)

    def size(self) -> tuple[int, int]:
        """Height and width."""
        return SIDE, SIDE


def draw(number: int) -> NDArray[np.uint8]:
    """A drawing: a ground, shapes on it, lines of writing on those. (480, 480, 3), sRGB."""
    rng = np.random.default_rng((number, 20))
    sheet = _Sheet(rng)
    for _ in range(int(rng.integers(6, 40))):
        sheet.shape()
    for _ in range(int(rng.integers(3, 9))):
        sheet.writing()
    return np.rint(np.clip(sheet.pixels, 0, 1) * 255).astype(np.uint8)


class _Sheet:
    """A sheet in the making.

    Attributes:
        pixels: (480, 480, 3) in 0–1.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
        self._at: Points = np.stack([columns, rows], -1)
        angle, first, second = float(rng.uniform(0, 2 * np.pi)), self._colour(), self._colour()
        along = (self._at - SIDE / 2) @ np.array([np.cos(angle), np.sin(angle)], np.float32) / SIDE + np.float32(0.5)
        along *= rng.random() < 0.4  # else one colour
        self.pixels: NDArray[np.float32] = (first + (second - first) * along[..., None]).astype(np.float32)

    def _colour(self) -> NDArray[np.float32]:
        """Black, white, a grey or a colour."""
        kind = self._rng.random()
        if kind < 0.5:
            return np.full(3, round(kind * 2), np.float32)
        return np.full(3, self._rng.random(), np.float32) if kind < 0.7 else self._rng.random(3).astype(np.float32)

    def _window(self, points: Points, room: float) -> tuple[slice, slice] | None:
        """Rows and columns around points (n, 2) and `room` pixels on every side; None where that is off the sheet."""
        low, high = np.floor(points.min(0) - room - 1).astype(int), np.ceil(points.max(0) + room + 2).astype(int)
        if high.min() <= 0 or low.max() >= SIDE:
            return None
        columns, rows = (slice(max(0, int(a)), int(b)) for a, b in zip(low, high, strict=True))
        return rows, columns

    def _paint(self, distance: Points, colour: NDArray[np.float32], window: tuple[slice, slice]) -> None:
        """Colour what lies within; `distance` to the edge in pixels, below 0 inside."""
        cover = np.clip(0.5 - distance, 0, 1)[..., None]
        self.pixels[window] += (colour - self.pixels[window]) * cover

    def shape(self) -> None:
        """A disc, ring, line, grating, box or polygon somewhere."""
        rng = self._rng
        centre, reach = rng.uniform(0, SIDE, 2).astype(np.float32), float(np.exp(rng.uniform(1.4, np.log(SIDE / 3))))
        thick, kind, ink = float(np.exp(rng.uniform(-0.9, 2.1))), int(rng.integers(6)), self._colour()
        points = centre[None] + (np.array([[-reach], [reach]]) if kind != 2 else rng.normal(0, SIDE / 3, (2, 2)))
        window = self._window(points.astype(np.float32), thick if kind < 3 else 0)
        if window is None:
            return
        at = self._at[window]
        out = _length(at - centre) - reach
        if kind == 0:
            distance = out
        elif kind == 1:
            distance = np.abs(out) - thick
        elif kind == 2:
            distance = _segment(at, *points) - thick
        elif kind == 3:  # stripes within a disc
            period, angle = float(np.exp(rng.uniform(1, 3.7))), float(rng.uniform(0, np.pi))
            along = at @ np.array([np.cos(angle), np.sin(angle)], np.float32)
            distance = np.maximum(np.abs(along % period - period / 2) - period / 4, out)
        else:  # what lies within some half-planes
            corners, turn = (4, 0.0) if kind == 4 else (int(rng.integers(3, 7)), float(rng.random()))
            angles = 2 * np.pi * (np.arange(corners) + turn) / corners
            normals = np.stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
            distance = ((at - centre) @ normals - reach * rng.uniform(0.3, 1, corners).astype(np.float32)).max(-1)
            distance = np.maximum(distance, np.abs(at - centre).max(-1) - reach)
        self._paint(distance, ink, window)

    def writing(self) -> None:
        """Some lines of writing in one hand."""
        rng = self._rng
        height = float(np.exp(rng.uniform(np.log(9), np.log(90))))
        width, thick = height * float(rng.uniform(0.35, 0.75)), max(0.45, height * float(rng.uniform(0.04, 0.11)))
        slant = float(rng.choice([0, 0, 0, 0.25]))
        turn = 0.0 if rng.random() < 0.7 else float(rng.uniform(-0.6, 0.6))
        forward = np.array([np.cos(turn), np.sin(turn)], np.float32)
        down = np.array([-np.sin(turn) - slant * np.cos(turn), np.cos(turn) - slant * np.sin(turn)], np.float32)
        ink, top = self._colour(), rng.uniform(-0.2 * SIDE, 0.8 * SIDE, 2)
        letters = [_letter(rng) for _ in range(12)]
        for row in range(int(rng.integers(1, 5))):
            for column in range(int(rng.integers(3, 30))):
                if rng.random() < 0.15:
                    continue
                corner = top + forward * (column * width * 1.45) + down * (row * height * 1.6)
                self._letter(corner, forward * width, down * height, letters[int(rng.integers(12))], thick, ink)

    def _letter(
        self,
        corner: NDArray[np.float64],
        across: NDArray[np.float32],
        down: NDArray[np.float32],
        strokes: tuple[Sequence[tuple[float, float, float, float]], Sequence[tuple[float, float]]],
        thick: float,
        ink: NDArray[np.float32],
    ) -> None:
        window = self._window(np.stack([corner, corner + across, corner + down, corner + across + down]), thick)
        if window is None:
            return
        at = self._at[window]
        straight, round_ = strokes
        distances = [
            _segment(at, corner + across * x + down * y, corner + across * u + down * v) for x, y, u, v in straight
        ]
        for x, y in round_:
            radius = float(np.linalg.norm(across)) / 2
            centre = corner + across * x + down * y
            distances.append(np.abs(_length(at - centre.astype(np.float32)) - radius))
        self._paint(np.min(distances, axis=0) - thick, ink, window)


def _letter(
    rng: np.random.Generator,
) -> tuple[Sequence[tuple[float, float, float, float]], Sequence[tuple[float, float]]]:
    """Strokes of a letter: straight ones, and round ones."""
    straight = [STROKES[int(i)] for i in rng.choice(len(STROKES), int(rng.integers(1, 4)), replace=False)]
    bowls = [BOWLS[int(i)] for i in rng.choice(len(BOWLS), int(rng.integers(0, 2)), replace=False)]
    return straight, bowls


def _segment(at: Points, start: NDArray[np.floating], end: NDArray[np.floating]) -> Points:
    """Distance of each pixel to a straight stroke."""
    start, along = np.asarray(start, np.float32), np.asarray(end - start, np.float32)
    offset = at - start
    share = np.clip(offset @ along / max(float(along @ along), 1e-6), 0, 1)
    return _length(offset - share[..., None] * along)


def _length(vectors: Points) -> Points:
    """(…, 2) → (…)."""
    return np.hypot(vectors[..., 0], vectors[..., 1], dtype=np.float32)
