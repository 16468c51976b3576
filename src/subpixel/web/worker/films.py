"""Frames of videos to look at: one of a moment, upright."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from subpixel.errors import PictureUnreadable, PictureUnsupported
from subpixel.types import Picture, Pixels, Size

if TYPE_CHECKING:
    from subpixel.video.clips import Clip


def upright_size(clip: Clip, size: Size) -> Size:
    """Sides of a frame as players show it, from those that are coded."""
    lies = clip.display is not None and abs(clip.display[0]) < abs(clip.display[1])
    return Size(size.height, size.width) if lies else size


def moment(path: Path, at: float) -> float:
    """When the frame is on show that stands at a share of a video's frames: seconds, the middle of its time.

    Asked of a source, it is the same frame in its result, however its container rounds times.
    """
    return _moment(path, path.stat().st_mtime_ns, at)


@lru_cache(maxsize=64)
def _moment(path: Path, _: int, at: float) -> float:
    from subpixel.video import probe

    clip = probe(path)
    count = clip.count or (round(clip.duration * clip.rate) if clip.duration else 1)
    index = min(int(at * count), max(0, count - 1))
    return float((index + Fraction(1, 2)) / clip.rate) if clip.rate else 0.0


def frame_at(path: Path, seconds: float) -> Picture:
    """The frame that is on show at a moment; after the end, the first.

    Raises:
        PictureUnsupported: no frame can be shown.
        PictureError: the video cannot be read.
    """
    from subpixel.video import probe
    from subpixel.video.colour import to_coloured, upright
    from subpixel.video.conversion import working_format
    from subpixel.video.films import filter_for
    from subpixel.video.planes import Coloured
    from subpixel.video.reading import FilmSource, Span

    clip = probe(path)
    start = Fraction(max(0.0, seconds)).limit_denominator(100_000)
    planar = ["gray", *(f"yuv{kind}p{bits}" for kind in ("420", "422", "444") for bits in ("", "10le", "12le"))]
    for begin in (start, Fraction(0)):
        source = FilmSource(clip, working_format(clip.format, planar), span=Span(begin), deinterlace=filter_for("auto"))
        try:
            for timed in source.frames():
                if timed is None:
                    continue
                coloured = timed.frame if isinstance(timed.frame, Coloured) else to_coloured(timed.frame)
                turned = upright(coloured, clip.display)
                pixels: Pixels = np.ascontiguousarray(turned.pixels)[None]  # type: ignore[assignment]
                return Picture(pixels)
        except PictureUnreadable:
            if begin == 0:
                raise
        finally:
            source.close()
    raise PictureUnsupported("the video has no frame that could be shown", "try another moment: seconds=1")
