"""Interlaced frames made whole: each holds two moments, in its even and its odd rows.

FFmpeg's bwdif (after BBC's w3fdif and yadif) makes one frame of every frame, the moment of its first field. It looks at
frames before and after, so frames come out one later than they go in. Frames that are not marked as interlaced pass
as they are, and up to the first one that is there is no filter at all.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.filter.graph import Graph
    from av.video.frame import VideoFrame

_UNSAID = Fraction(1, 1_000_000)
"""Time base of frames that name none: any does, timestamps are carried, not computed with."""


class Deinterlacer:
    """Takes decoded frames in order of presentation, gives as many, with the same timestamps.

    Args:
        every: deinterlace frames that are not marked as interlaced too.
    """

    def __init__(self, every: bool = False) -> None:
        self._every = every
        self._before: VideoFrame | None = None
        self._graph: Graph | None = None
        self._kind: tuple[object, ...] = ()
        self._times: list[tuple[int | None, int, Fraction | None]] = []
        self._dropped = False  # the first frame out of the filter was given already

    def put(self, frame: VideoFrame) -> list[VideoFrame]:
        """Frames that are ready, none to a few."""
        if self._graph is None and not self._every and not frame.interlaced_frame:
            self._before = frame
            return [frame]
        kind = _kind(frame)
        ready: list[VideoFrame] = []
        if self._graph is None or kind != self._kind:
            ready = self.flush()
            self._graph, self._kind = self._made(frame), kind
            before, self._before = self._before, None
            if before is not None and _kind(before) == kind:
                # Wherever decoding began, the filter sees the same frame before the first one that it has to do with.
                times = before.pts, before.duration, before.time_base
                self._push(before)
                before.pts, before.duration, before.time_base = times
                self._dropped = True
        self._push(frame)
        return ready + self._pulled()

    def _push(self, frame: VideoFrame) -> None:
        assert self._graph is not None
        self._times.append((frame.pts, frame.duration, frame.time_base))
        # The filter sees evenly spaced timestamps, whatever the film's are: it doubles and halves them meanwhile.
        frame.pts = 2 * len(self._times)
        self._graph.vpush(frame)

    def flush(self) -> list[VideoFrame]:
        """The frames that are still in the filter; the end of the film."""
        if self._graph is None:
            return []
        self._graph.vpush(None)
        ready = self._pulled()
        self._graph = None
        return ready

    def _made(self, frame: VideoFrame) -> Graph:
        from av.filter.graph import Graph

        graph = Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or _UNSAID
        )
        which = "all" if self._every else "interlaced"
        bwdif = graph.add("bwdif", f"mode=send_frame:parity=auto:deint={which}")
        sink = graph.add("buffersink")
        source.link_to(bwdif)
        bwdif.link_to(sink)
        graph.configure()
        return graph

    def _pulled(self) -> list[VideoFrame]:
        from av.error import BlockingIOError, EOFError

        assert self._graph is not None
        ready: list[VideoFrame] = []
        while True:
            try:
                frame = self._graph.vpull()
            except (BlockingIOError, EOFError):
                return ready
            pts, duration, time_base = self._times.pop(0)
            frame.pts, frame.duration = pts, duration
            if time_base is not None:
                frame.time_base = time_base
            if self._dropped:
                self._dropped = False
                continue
            ready.append(frame)


def _kind(frame: VideoFrame) -> tuple[object, ...]:
    return frame.width, frame.height, frame.format.name, frame.time_base
