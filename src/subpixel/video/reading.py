"""A film's frames: decoded one after the other, timed, what is broken concealed and counted."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, Protocol

from subpixel.errors import PictureUnreadable, SettingError
from subpixel.types import Size
from subpixel.video.clips import Clip, film_of, opened
from subpixel.video.conversion import plain, to_planes
from subpixel.video.flow import Timed

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


_BROKEN: Final = "broken"
_LOST: Final = "lost"
_SHORT: Final = Fraction(1, 4)
"""Seconds by which a file may be shorter than it says: sound and film seldom end together."""


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


class Filter(Protocol):
    """Something that decoded frames pass through, as many out as in."""

    def put(self, frame: VideoFrame) -> list[VideoFrame]:
        """Take a frame, give those that are ready."""

    def flush(self) -> list[VideoFrame]:
        """Give those that are left."""


@dataclass
class Health:
    """What was wrong with a film.

    Attributes:
        broken: frames that the decoder could not decode in full, and concealed.
        lost: frames that it could not decode at all; the one before is shown in their place, where there is one.
        resized: frames of another size or sample format than the first, brought to it.
        retimed: frames whose timestamp was missing or not later than the one before.
        early: seconds after which the file ends, where it says that it is longer.
    """

    broken: int = 0
    lost: int = 0
    resized: int = 0
    retimed: int = 0
    early: float | None = None

    def notes(self) -> tuple[str, ...]:
        """One line for each."""
        said = []
        if self.broken:
            said.append(f"{_frames(self.broken)} damaged, concealed by the decoder")
        if self.lost:
            said.append(f"{_frames(self.lost)} could not be decoded, the one before is repeated")
        if self.resized:
            said.append(f"{_frames(self.resized)} of another size or sample format than the first, brought to it")
        if self.retimed:
            said.append(f"{_frames(self.retimed)} without a usable timestamp, spaced by the frame rate")
        if self.early is not None:
            said.append(f"the file is cut off: it ends after {self.early:.2f} s")
        return tuple(said)


def _frames(count: int) -> str:
    return f"{count} frame{'' if count == 1 else 's'}"


@dataclass
class _Missing:
    """Which frames are still to come out of the decoder, to know those that do not."""

    waiting: list[int] = field(default_factory=list)
    failed: int = 0

    def sent(self, packet: Packet[Any]) -> None:
        """A packet went into the decoder."""
        if packet.pts is not None:
            heapq.heappush(self.waiting, packet.pts)

    def before(self, pts: int | None) -> list[int]:
        """Timestamps of frames that should have come before `pts`, no more than packets have failed."""
        gone = []
        while self.waiting and (pts is None or self.waiting[0] < pts):
            gone.append(heapq.heappop(self.waiting))
        if self.waiting and self.waiting[0] == pts:
            heapq.heappop(self.waiting)
        gone = gone[: self.failed]  # more may be missing for good reasons, such as two fields in two packets
        self.failed -= len(gone)
        return gone


class FilmSource:
    """The frames of a film; see `subpixel.video.flow.Source`.

    Args:
        clip: the film.
        name: sample format to compute in.
        span: the part that is wanted.
        deinterlace: makes what frames pass through, None to take them as they are.
        threads: to decode with.
    """

    def __init__(
        self,
        clip: Clip,
        name: str,
        *,
        span: Span | None = None,
        deinterlace: Callable[[], Filter] | None = None,
        threads: int = 0,
    ) -> None:
        self.clip = clip
        self.name = name
        self.span = Span() if span is None else span
        self.health = Health()
        self._deinterlace = deinterlace
        self._marks: dict[int, str] = {}  # what was wrong with frames on their way to the span
        self._threads = threads

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

    def frames(self, skip: int = 0) -> Iterator[Timed]:
        """See `Source`.

        Raises:
            PictureUnreadable: no frame at all.
        """
        count = 0
        for timed in self._timed(skip):
            count += 1
            if count > skip:
                yield timed
        if count == 0:
            wanted = "" if self.span.whole else f" from {float(self.span.start):g} s on"
            hint = "it is damaged" if self.span.whole else f"it lasts {_seconds(self.clip.duration)}"
            raise PictureUnreadable(f"{self.clip.path} has no frame{wanted}", hint)

    def _timed(self, skip: int) -> Iterator[Timed]:
        """Every frame within the span, its timestamp counted from the start of the span."""
        clip, offset, count, last = self.clip, self.offset, 0, None
        step = max(1, round(1 / (clip.rate * clip.time_base)))
        end = None if self.span.end is None else round((clip.origin + self.span.end) / clip.time_base)
        shown: Timed | None = None
        for frame, stated in self._decoded():
            pts = stated
            if pts is None or (last is not None and pts <= last):
                pts = 0 if last is None else last + step
                self.health.retimed += 1
            last = pts
            mark = self._marks.pop(pts, "")
            if pts < offset and self.span.start > 0:
                continue
            if end is not None and pts >= end:
                return
            count += 1
            self.health.broken += mark == _BROKEN
            self.health.lost += mark == _LOST
            if count <= skip and shown is not None:
                yield shown  # nobody looks at it
                continue
            if plain(frame.format.name) != plain(clip.format) or Size(frame.width, frame.height) != clip.size:
                self.health.resized += 1
            planes = to_planes(frame, self.name, clip.size, clip.tags, clip.siting)
            shown = Timed(planes, pts - offset, frame.duration or 0)
            yield shown

    def _decoded(self) -> Iterator[tuple[VideoFrame, int | None]]:
        """Frames in order of presentation, through the filter; not many before the span."""
        if self.span.start > 0:
            found = self._passed(seek=True)
            first = next(found, None)
            if first is not None and first[1] is not None and first[1] <= self.offset:
                yield first
                yield from found
                return
            self._marks.clear()  # the index of the file has led behind the place: from the beginning then
        yield from self._passed(seek=False)

    def _passed(self, *, seek: bool) -> Iterator[tuple[VideoFrame, int | None]]:
        """Frames from the beginning, or from the last place before the span where decoding can begin."""
        import av

        passed = None if self._deinterlace is None else self._deinterlace()
        with opened(self.clip.path) as container:
            film = film_of(container, self.clip.path)
            film.codec_context.thread_count = self._threads
            if seek:
                try:
                    container.seek(max(0, self.offset - 1), stream=film, backward=True)
                except av.FFmpegError:
                    return
            for frame, pts in self._concealed(container, film):
                if passed is None:
                    yield frame, pts
                    continue
                frame.pts = pts
                for made in passed.put(frame):
                    yield made, made.pts
            if passed is not None:
                for made in passed.flush():
                    yield made, made.pts

    def _concealed(self, container: InputContainer, film: VideoStream) -> Iterator[tuple[VideoFrame, int | None]]:
        """Decoded frames; where the decoder fails, the one before once more."""
        missing = _Missing()
        shown: VideoFrame | None = None
        for frame in self._raw(container, film, missing):
            for pts in missing.before(frame.pts) if frame.pts is not None else ():
                if shown is not None:
                    self._marks[pts] = _LOST
                    yield shown, pts
                elif self.span.start == 0:
                    self.health.lost += 1
            if frame.is_corrupt and frame.pts is not None:
                self._marks[frame.pts] = _BROKEN
            yield frame, frame.pts
            shown = frame
        if shown is not None:
            for pts in missing.before(None):
                self._marks[pts] = _LOST
                yield shown, pts

    def _raw(self, container: InputContainer, film: VideoStream, missing: _Missing) -> Iterator[VideoFrame]:
        """What the decoder gives; what it cannot decode goes to `missing`."""
        import av

        packets = container.demux()  # all streams: their last packet tells whether the file is whole
        reached = Fraction(0)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                packet = None  # the file is cut off here
            if packet is None:
                break
            if packet.size and packet.pts is not None:
                reached = max(reached, (packet.pts + (packet.duration or 0)) * packet.time_base)
            if packet.stream_index != film.index:
                continue
            if packet.size:
                missing.sent(packet)
            try:
                yield from film.decode(packet)
            except av.FFmpegError:
                missing.failed += 1
        stated = Fraction((container.duration or 0) + (container.start_time or 0), 1_000_000)
        if stated - reached > _SHORT and "mpeg" not in container.format.name:  # broadcasts state none, it is estimated
            self.health.early = float(reached)
        try:
            yield from film.decode(None)
        except av.FFmpegError:
            return


def _seconds(duration: Fraction | None) -> str:
    return "less" if duration is None else f"{float(duration):g} s"
