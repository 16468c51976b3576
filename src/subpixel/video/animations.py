"""Films as animated pictures, GIF and WebP: read and written through libvips, delays and loop kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Final, cast

import numpy as np

from subpixel import image
from subpixel.engines import memory_limit
from subpixel.errors import PictureUnreadable, SettingError
from subpixel.image.targets import choose_format
from subpixel.types import Picture, Pixels, Size
from subpixel.video.colour import to_coloured, upright
from subpixel.video.flow import Timed
from subpixel.video.health import Health
from subpixel.video.planes import Coloured
from subpixel.video.reading import Span

SUFFIXES: Final = (".gif", ".webp")
_TICK: Final = Fraction(1, 1000)
_USUAL: Final = 100
"""Milliseconds that a frame without a delay is shown by every browser."""
_SHORTEST: Final = 20
"""Milliseconds that browsers show a frame at least: shorter ones are shown for 100."""
_ROOM: Final = 3
"""An animation and what its encoder makes of it may take a third of the memory there is."""


class AnimationSource:
    """An animated picture as a film; see `subpixel.video.flow.Source`. It is in memory as a whole, as it was decoded.

    Args:
        path: the file.
        span: the part that is wanted; the frame that is on show when it starts is its first.

    Attributes:
        loop: how often it repeats, 0 for ever.
        first: its first frame.
        picture: all of it.

    Raises:
        PictureError: it cannot be read, or no frame of it is in the span.
    """

    health: Final = Health()

    def __init__(self, path: Path, span: Span | None = None) -> None:
        span = span or Span()
        picture = self.picture = image.read(path)
        self._path, self._metadata = path, picture.metadata
        delays = [delay or _USUAL for delay in picture.metadata.delays or (_USUAL,) * picture.frames]
        start, whole = round(span.start * 1000), sum(delays)
        end = whole if span.end is None else min(round(span.end * 1000), whole)
        ends = list(accumulate(delays))
        self._shown = [
            (pixels, max(last - delay, start) - start, min(last, end) - max(last - delay, start))
            for pixels, delay, last in zip(picture.pixels, delays, ends, strict=True)
            if last > start and last - delay < end
        ]
        if not self._shown:
            raise PictureUnreadable(
                f"{path} has no frame from {float(span.start):g} s on", f"it lasts {whole / 1000:g} s"
            )
        self.loop = picture.metadata.loop
        self.size, self.count = picture.size, len(self._shown)
        self.time_base = _TICK
        self.rate = Fraction(1000 * self.count, end - start)
        self.first = Coloured(self._shown[0][0], self._metadata)

    def facts(self) -> tuple[int, int]:
        """Bytes of the file, and when it was last changed, in nanoseconds."""
        status = self._path.stat()
        return status.st_size, status.st_mtime_ns

    def frames(self, skip: int = 0) -> Iterator[Timed]:
        """See `Source`."""
        for pixels, pts, shown in self._shown[skip:]:
            yield Timed(Coloured(pixels, self._metadata), pts, shown)

    def close(self) -> None:
        """See `Source`."""


class AnimationSink:
    """A film as an animated picture, coded when all frames are there; see `subpixel.video.flow.Sink`.

    GIF counts hundredths of a second: frames begin at the nearest one, and times do not drift. What would be shown for
    less than 20 ms is left out, because browsers would show it for 100.

    Args:
        path: the file; its suffix chooses the format.
        time_base: unit of the timestamps that come, seconds.
        rate: frames per second, for frames that do not say how long they are shown.
        loop: how often it repeats, 0 for ever.
        display: see `upright`.
        overwrite: replace an existing file.

    Attributes:
        notes: one line for each thing that is not as in the source.

    Raises:
        OutputError: the file exists, or cannot be written.
    """

    done: Final = 0

    def __init__(
        self,
        path: Path,
        time_base: Fraction,
        rate: Fraction,
        *,
        loop: int = 0,
        display: tuple[int, ...] | None = None,
        overwrite: bool = False,
    ) -> None:
        image.check_target(path, overwrite=overwrite)
        self._path, self._time_base, self._rate = path, time_base, rate
        self._loop, self._display, self._overwrite = loop, display, overwrite
        self._step = 10 if choose_format(path, None).name == "gif" else 1
        self._frames: list[Coloured] = []
        self._begins: list[int] = []
        self._end = Fraction(0)
        self._left_out = 0
        self.written = 0
        self.notes: tuple[str, ...] = ()

    def check_room(self, frames: int, size: Size) -> None:
        """Refuse what memory will not hold, before the work.

        Raises:
            SettingError: it will not.
        """
        need, have = _ROOM * frames * size.pixels * 4, memory_limit()
        if have is not None and need > have:
            raise SettingError(
                f"{frames} frames of {size} need about {need / 1e9:.1f} GB of memory as an animated picture, "
                f"{have / 1e9:.1f} GB are there",
                "write .mp4, or take less of it with --from and --to",
            )

    def add(self, timed: Timed) -> None:
        """See `Sink`."""
        begin = timed.pts * self._time_base * 1000
        self._end = begin + (timed.duration * self._time_base if timed.duration else 1 / self._rate) * 1000
        at = round(begin / self._step) * self._step
        if self._begins and at - self._begins[-1] < _SHORTEST:
            self._left_out += 1
            return
        frame = timed.frame if isinstance(timed.frame, Coloured) else to_coloured(timed.frame)
        frame = upright(frame, self._display)
        self._frames.append(frame)
        self._begins.append(at)

    def finish(self) -> None:
        """See `Sink`.

        Raises:
            OutputError: it cannot be written.
        """
        first = self._frames[0]
        ends = [*self._begins[1:], max(round(self._end / self._step) * self._step, self._begins[-1] + _SHORTEST)]
        delays = tuple(end - begin for begin, end in zip(self._begins, ends, strict=True))
        metadata = replace(first.metadata, delays=delays, loop=self._loop)  # one for the whole file
        pixels = cast(Pixels, np.stack([frame.pixels for frame in self._frames]))
        said = image.write(Picture(pixels, metadata), self._path, overwrite=self._overwrite)
        if self._left_out:
            left = f"{self._left_out} frames left out: animated pictures show none for less than {_SHORTEST} ms"
            said = (left, *said)
        self.notes = said
        self.written = self._path.stat().st_size

    def abandon(self) -> None:
        """See `Sink`."""
        self._frames.clear()
