"""A few seconds of a film, both ways side by side, and how long the whole would take.

Left stands what a player would show that enlarges by itself, bicubic; right what the networks make. Both show the same
part of the picture, the middle half, so that the preview is as large as the result and both sides can be compared.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from subpixel.image.resample import resize_on
from subpixel.upscaler import Upscaler
from subpixel.video.clips import probe
from subpixel.video.films import Film, FilmResult, Wishes
from subpixel.video.flow import Tell
from subpixel.video.levels import store
from subpixel.video.planes import Frame, Planes
from subpixel.video.reading import FilmSource, Span

SECONDS: Final = Fraction(5)
"""How long a preview is."""
_LATER: Final = Fraction(1, 3)
"""Where in a film it begins: titles are over there, mostly."""
_LINE: Final = 2
"""Samples of chroma that the line between both sides is wide."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A preview that was written.

    Attributes:
        film: the clip.
        start: where in the film it begins, seconds.
        frames: of the whole; None where the file does not tell.
        seconds: rough time for the whole; None the same.
    """

    film: FilmResult
    start: Fraction
    frames: int | None
    seconds: float | None


class _Compared(Film):
    """A film whose frames are shown both ways."""

    spent = 0.0
    """Seconds that went into the other way."""
    first = 0.0
    """Seconds of the first frame, which loads the networks."""

    def _enlarge(self, frame: Frame) -> Frame:
        started = time.perf_counter()
        made = super()._enlarge(frame)
        enlarged = time.perf_counter()
        assert isinstance(frame, Planes) and isinstance(made, Planes)
        both = side_by_side(frame, made)
        self.first = self.first or enlarged - started
        self.spent += time.perf_counter() - enlarged
        return both


def preview_path(target: Path) -> Path:
    """Where the preview of a result goes: ``clip-x3-preview.mp4``."""
    return target.with_name(f"{target.stem}-preview{target.suffix}")


def preview(
    source: str | Path,
    target: str | Path,
    upscaler: Upscaler,
    wishes: Wishes,
    *,
    progress: Tell | None = None,
    cancel: threading.Event | None = None,
) -> Preview:
    """Write a few seconds of a film, enlarged by bicubic at the left and by the networks at the right.

    Args:
        source: the video file.
        target: where the whole would go; the preview goes beside it, see `preview_path`.
        upscaler: which networks, how they run.
        wishes: what would be made of the whole. A span is where the preview is taken from: its first seconds.
        progress: told of every finished frame.
        cancel: set it to stop.

    Raises:
        SubpixelError: as `Film`.
    """
    clip = probe(source)
    frames = FilmSource(clip, "", span=wishes.span).count
    part = span_for(wishes.span, clip.duration)
    film = _Compared(source, preview_path(Path(target)), upscaler, replace(wishes, span=part, resume=False))
    film.forget()  # of one that was stopped, nothing is worth keeping
    try:
        made = film.make(progress=progress, cancel=cancel)
    except BaseException:
        film.forget()
        raise
    seconds = None
    if frames is not None:
        after = max(made.clock.whole - film.first - film.spent, 0.0)
        seconds = film.first + after / max(made.frames - 1, 1) * frames
    return Preview(made, part.start, frames, seconds)


def span_for(asked: Span, duration: Fraction | None) -> Span:
    """The part of a film to show: the first seconds of what was asked for, else some seconds within it."""
    if not asked.whole or duration is None or duration <= 3 * SECONDS:
        start = asked.start
    else:
        start = Fraction(int(duration * _LATER))
    end = start + SECONDS
    return Span(start, end if asked.end is None else min(end, asked.end))


def side_by_side(small: Planes, large: Planes) -> Planes:
    """The middle half of a frame twice: bicubic at the left, `large` at the right, a line between them.

    Args:
        small: the frame, (h, w).
        large: what was made of it, (H, W).

    Returns:
        A frame of the kind and size of `large`; chroma is the same on both sides.
    """
    height, width = large.y.shape
    floats = resize_on(small.y[None].astype(np.float32), height, width)[0]
    plain = np.empty_like(large.y)
    store(floats, plain, large.top)
    step = large.sub[1]
    half = width // 2 // step * step
    start = (width - half) // 2 // step * step

    def joined(left: NDArray[Any], right: NDArray[Any], line: int, part: int) -> NDArray[Any]:
        made = np.empty_like(right)
        made[:, : half // part] = left[:, start // part : (start + half) // part]
        rest = made.shape[1] - half // part
        made[:, half // part :] = right[:, start // part : start // part + rest]
        made[:, half // part - _LINE * step // part : half // part] = line
        return made

    y = joined(plain, large.y, large.luma_range[1], 1)
    if large.u is None or large.v is None:
        return large.with_planes(y, None, None)
    neutral = 1 << (large.bits - 1)
    u, v = (joined(plane, plane, neutral, step) for plane in (large.u, large.v))
    return large.with_planes(y, u, v)
