"""A film's frames: decoded one after the other, timed, cut to what is wanted."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from subpixel.errors import PictureUnreadable, PictureUnsupported, SettingError
from subpixel.types import Size
from subpixel.video.clips import Clip
from subpixel.video.conversion import plain, to_planes
from subpixel.video.decoding import Decoded, Decoding, Filter, Marks
from subpixel.video.flow import Timed
from subpixel.video.health import Health, Place
from subpixel.video.planes import Planes

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_BACK: Final = (0, 3, 15, 60)
"""Seconds before a place in a film at which a key frame is looked for, one after the other; then its start."""


@dataclass(frozen=True, slots=True)
class Span:
    """The part of a film that is wanted.

    Attributes:
        start: seconds from its beginning.
        end: seconds from its beginning; None for its end.
    """

    start: Fraction = Fraction(0)
    end: Fraction | None = None

    def __post_init__(self) -> None:
        if self.start < 0:
            raise SettingError(f"the cut starts at {float(self.start):g} s", "give 0 or more, as --from 1:30")
        if self.end is not None and self.end <= self.start:
            raise SettingError(
                f"the cut ends at {float(self.end):g} s and starts at {float(self.start):g} s",
                "let --to be later than --from",
            )

    @property
    def whole(self) -> bool:
        """True where nothing is cut off."""
        return self.start == 0 and self.end is None


class FilmSource:
    """The frames of a film; see `subpixel.video.flow.Source`.

    Args:
        clip: the film.
        name: sample format to compute in.
        span: the part that is wanted.
        deinterlace: makes what frames pass through, None to take them as they are.
        threads: to decode with.
        place: where an earlier run has come to, for `frames` to begin near it.

    Attributes:
        health: what was wrong with the film so far.
    """

    def __init__(
        self,
        clip: Clip,
        name: str,
        *,
        span: Span | None = None,
        deinterlace: Callable[[], Filter] | None = None,
        threads: int = 0,
        place: Place | None = None,
    ) -> None:
        self.clip = clip
        self.name = name
        self.span = Span() if span is None else span
        self.health = Health()
        self._deinterlace = deinterlace
        self._threads = threads
        self._place = place
        self._any = False

    @property
    def size(self) -> Size:
        """See `Source`."""
        return self.clip.size

    @property
    def time_base(self) -> Fraction:
        """See `Source`."""
        return self.clip.time_base

    @property
    def rate(self) -> Fraction:
        """See `Source`."""
        return self.clip.rate

    @property
    def count(self) -> int | None:
        """See `Source`."""
        if self.span.whole:
            return self.clip.count
        end = self.span.end
        if self.clip.duration is not None:
            end = self.clip.duration if end is None else min(end, self.clip.duration)
        return None if end is None else max(0, round((end - self.span.start) * self.clip.rate))

    @property
    def offset(self) -> int:
        """What is taken off every timestamp of the film."""
        return round((self.clip.origin + self.span.start) / self.clip.time_base)

    def close(self) -> None:
        """See `Source`."""

    def frames(self, skip: int = 0) -> Iterator[Timed | None]:
        """See `Source`.

        Raises:
            PictureUnreadable: no frame at all.
            PictureUnsupported: frames of a kind that cannot be computed with.
        """
        if skip and self._place is not None and self._place.frames and (yield from self._resumed(self._place)):
            return
        self.health = Health()
        yield from self._from_start(skip)
        if not self._any:
            wanted = "" if self.span.whole else f" from {float(self.span.start):g} s on"
            hint = "it is damaged" if self.span.whole else f"it lasts {_seconds(self.clip.duration)}"
            raise PictureUnreadable(f"{self.clip.path} has no frame{wanted}", hint)

    def _decoding(self, since: int | None = None, back: int = 0) -> Decoding:
        """From the start, or from the last key frame before a timestamp, searched so many seconds before it."""
        back = round(back / self.clip.time_base)
        return Decoding(self.clip, self._deinterlace, self._threads, since=since, back=back)

    def _from_start(self, skip: int) -> Iterator[Timed | None]:
        """Every frame of the span, None for those to skip; not many before the span are decoded."""
        # Timestamps of MPEG-PS are guessed between those that stand in it, and from its middle sometimes wrong.
        for back in _BACK if self.span.start > 0 and self.clip.container != "mpeg" else ():
            decoding = self._decoding(self.offset - 1, back)
            frames = decoding.frames()
            first = next(frames, None)
            if first is not None:
                yield from self._timed(decoding, _again(first, frames), skip=skip)
                return
        decoding = self._decoding()
        yield from self._timed(decoding, decoding.frames(), skip=skip)

    def _resumed(self, place: Place) -> Generator[Timed | None, None, bool]:
        """Every frame behind `place`, from a key frame before it on; None for those before.

        Returns:
            False where the last frames of `place` do not come out of the decoder as they did then: no frame was given.
        """
        begin = place.frames[0][0]
        for back in _BACK:
            decoding = self._decoding(self.offset + begin - 1, back)
            waiting = list(place.frames)
            for timed in self._timed(decoding, decoding.frames(), begin=begin):
                if timed is None or not waiting:
                    yield timed
                    continue
                if waiting.pop(0) != (timed.pts, timed.check):
                    break
                if not waiting:
                    self.health = place.health
                yield None
            else:
                if not waiting:
                    return True
        return False

    def _timed(
        self, decoding: Decoding, frames: Iterator[Decoded], *, skip: int = 0, begin: int = 0
    ) -> Iterator[Timed | None]:
        """Frames within the span, their timestamps counted from its start; None for those that nobody looks at.

        A frame that is on show when the span starts is its first one.

        Args:
            decoding: where they come from.
            frames: decoded, in order of presentation.
            skip: as many within the span are not looked at,
            begin: nor those with a smaller timestamp.
        """
        clip, offset, count, last = self.clip, self.offset, 0, None
        step = max(1, round(1 / (clip.rate * clip.time_base)))
        end = None if self.span.end is None else round((clip.origin + self.span.end) / clip.time_base)
        before: tuple[VideoFrame, int, Marks] | None = None

        def given(frame: VideoFrame, pts: int, until: int, marks: Marks) -> Timed | None:
            nonlocal count
            count += 1
            self._any = True
            resized = plain(frame.format.name) != plain(clip.format) or Size(frame.width, frame.height) != clip.size
            self._count(broken=marks.broken, lost=marks.lost, resized=resized, woven=marks.woven)
            if count <= skip or pts - offset < begin:
                return None
            if end is not None and until > end:
                until = end
            planes = self._planes(frame)
            return Timed(planes, pts - offset, max(until - pts, 0), _check(planes), self.health)

        for frame, stated in frames:
            pts = stated
            if pts is None or (last is not None and pts <= last):
                pts = 0 if last is None else last + step
                self._count(retimed=1)
            last = pts
            marks = decoding.marks_of(stated)
            if pts < offset and self.span.start > 0:
                before = frame, pts, marks
                yield None
                continue
            if count == 0:
                if before is not None and pts > offset:
                    yield given(before[0], offset, pts, before[2])
                elif self.span.start == 0:
                    self._count(lost=decoding.unshown)
            if end is not None and pts >= end:
                return
            yield given(frame, pts, pts + (frame.duration or 0), marks)
        if count == 0 and before is not None and before[1] + (before[0].duration or 0) > offset:
            yield given(before[0], offset, before[1] + (before[0].duration or 0), before[2])
        self.health = replace(self.health, early=decoding.early)

    def _count(self, **found: int) -> None:
        """Add to what was wrong, by the names of `Health`."""
        if any(found.values()):
            self.health = replace(self.health, **{name: getattr(self.health, name) + n for name, n in found.items()})

    def _planes(self, frame: VideoFrame) -> Planes:
        import av

        clip = self.clip
        try:
            return to_planes(frame, self.name, clip.size, clip.tags, clip.siting)
        except (av.FFmpegError, ValueError) as error:
            raise PictureUnsupported(
                f"frames of {clip.path} are in {frame.format.name}, which FFmpeg does not convert into {self.name}",
                "convert the film first, or choose another --pixel-format",
            ) from error


def _again(first: Decoded, frames: Iterator[Decoded]) -> Iterator[Decoded]:
    yield first
    yield from frames


def _check(planes: Planes) -> int:
    """CRC-32 of a frame's samples."""
    check = 0
    for plane in (planes.y, planes.u, planes.v):
        if plane is not None:
            check = zlib.crc32(np.ascontiguousarray(plane).data, check)
    return check


def _seconds(duration: Fraction | None) -> str:
    return "less" if duration is None else f"{float(duration):g} s"
