"""One way through a film's packets, from its start or a key frame on: decoded frames, what is broken concealed."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

from subpixel.video.clips import Clip, film_of, opened

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_SHORT: Final = Fraction(1, 4)
"""Seconds by which a file may be shorter than it says: sound and film seldom end together."""


class Marks(NamedTuple):
    """What is to be said of a frame."""

    broken: bool
    """The decoder concealed a part of it."""
    lost: bool
    """The decoder could not decode it: it is the one before."""
    woven: bool
    """It is made of two fields, in a film that is not known for them."""


Decoded: TypeAlias = "tuple[VideoFrame, int | None]"
"""A frame and its timestamp, None where it has none."""


class Filter(Protocol):
    """Something that decoded frames pass through, as many out as in."""

    def put(self, frame: VideoFrame) -> list[VideoFrame]:
        """Take a frame, give those that are ready."""

    def flush(self) -> list[VideoFrame]:
        """Give those that are left."""


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


class Decoding:
    """One way through a film.

    Args:
        clip: the film.
        deinterlace: makes what frames pass through, None to take them as they are.
        threads: to decode with.
        since: begin at a key frame that is shown no later than this timestamp, so that every frame behind it is the one
            that decoding from the start gives; None: at the start. There are no frames where no such place is found.
        back: how much earlier than that the file is searched, in the same unit: some have no index of key frames.

    Attributes:
        unshown: frames that could not be decoded before any other was.
        early: seconds after which the file ends, where it says that it is longer.
    """

    def __init__(
        self,
        clip: Clip,
        deinterlace: Callable[[], Filter] | None,
        threads: int,
        *,
        since: int | None = None,
        back: int = 0,
    ) -> None:
        self._clip, self._deinterlace, self._threads = clip, deinterlace, threads
        self._since, self._back = since, back
        self._broken: set[int] = set()  # timestamps of frames on their way
        self._lost: set[int] = set()
        self._woven: set[int] = set()
        self.unshown = 0
        self.early: float | None = None

    def marks_of(self, pts: int | None) -> Marks:
        """What is to be said of the frame of that timestamp, once."""
        kinds = (self._broken, self._lost, self._woven)
        marks = Marks(*(pts in kind for kind in kinds))
        for kind in kinds if pts is not None else ():
            kind.discard(pts)
        return marks

    def frames(self) -> Iterator[Decoded]:
        """Frames in order of presentation, through the filter."""
        import av

        passed = None if self._deinterlace is None else self._deinterlace()
        with opened(self._clip.path) as container:
            film = film_of(container, self._clip.path)
            film.codec_context.thread_count = self._threads
            if self._since is not None:
                try:
                    container.seek(self._since - self._back, stream=film, backward=True)
                except av.FFmpegError:
                    return
            for frame, pts in self._settled(self._concealed(container, film)):
                if passed is None:
                    yield frame, pts
                    continue
                if frame.interlaced_frame and not self._clip.interlaced and pts is not None:
                    self._woven.add(pts)
                frame.pts = pts
                for made in passed.put(frame):
                    yield made, made.pts
            if passed is not None:
                for made in passed.flush():
                    yield made, made.pts

    def _settled(self, frames: Iterator[Decoded]) -> Iterator[Decoded]:
        """Frames from the first one on that needs no other and stands early enough; all where that is the start.

        Where files have no index of key frames, a search ends anywhere, and streams that are refreshed bit by bit say
        that decoding can begin where it gives something at best.
        """
        from av.video.frame import PictureType

        if self._since is None:
            yield from frames
            return
        for frame, pts in frames:
            if pts is not None and pts > self._since:
                return
            if frame.key_frame and frame.pict_type == PictureType.I and not frame.is_corrupt and pts is not None:
                yield frame, pts
                yield from frames
                return

    def _concealed(self, container: InputContainer, film: VideoStream) -> Iterator[Decoded]:
        """Decoded frames; where the decoder fails, the one before once more."""
        missing = _Missing()
        shown: VideoFrame | None = None
        for frame in self._raw(container, film, missing):
            for pts in missing.before(frame.pts) if frame.pts is not None else ():
                if shown is not None:
                    self._lost.add(pts)
                    yield shown, pts
                else:
                    self.unshown += 1
            if frame.is_corrupt and frame.pts is not None:
                self._broken.add(frame.pts)
            yield frame, frame.pts
            shown = frame
        if shown is not None:
            for pts in missing.before(None):
                self._lost.add(pts)
                yield shown, pts

    def _raw(self, container: InputContainer, film: VideoStream, missing: _Missing) -> Iterator[VideoFrame]:
        """What the decoder gives; what it cannot decode goes to `missing`."""
        import av

        packets = container.demux()  # all streams: their last packet tells whether the file is whole
        reached, begun = Fraction(0), self._since is None
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
            begun = begun or packet.is_keyframe
            if not begun:
                continue
            if packet.size:
                missing.sent(packet)
            try:
                yield from film.decode(packet)
            except av.FFmpegError:
                missing.failed += 1
        stated = Fraction((container.duration or 0) + (container.start_time or 0), 1_000_000)
        if stated - reached > _SHORT and "mpeg" not in container.format.name:  # broadcasts state none, it is estimated
            self.early = float(reached)
        try:
            yield from film.decode(None)
        except av.FFmpegError:
            return
