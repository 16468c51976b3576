"""The sink of a film: frames into segments, each by an encoder of its own, and all of them into one file at the end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from subpixel.errors import OutputUnwritable
from subpixel.image.targets import unwritable
from subpixel.video.conversion import to_frame
from subpixel.video.encoding import Encoder
from subpixel.video.flow import Timed
from subpixel.video.health import Health, Place
from subpixel.video.journal import Coded, Journal, SegmentFile
from subpixel.video.planes import Planes

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext

_CHECKED: Final = 8  # frames at the end of a segment by which a decoder is known again
_SAID: Final = "what is finished of it is kept: --resume goes on with it"


class SegmentSink:
    """Encodes frames into the segments of a journal; see `subpixel.video.flow.Sink`.

    Args:
        journal: where segments go, begun.
        encoder: settings.
        whole: puts the finished segments together, and gives the result its name.
    """

    def __init__(self, journal: Journal, encoder: Encoder, whole: Callable[[], None]) -> None:
        self._journal = journal
        self._encoder = encoder
        self._whole = whole
        self._context: VideoCodecContext | None = None
        self._file: SegmentFile | None = None
        self._frames = 0
        self._last: deque[tuple[int, int]] = deque(maxlen=_CHECKED)
        self._health: Health | None = None
        self._step = max(1, round(1 / (encoder.rate * encoder.time_base)))

    @property
    def written(self) -> int:
        """See `Sink`."""
        return self._journal.bytes + (0 if self._file is None else self._file.bytes)

    def add(self, timed: Timed) -> None:
        """See `Sink`.

        Raises:
            OutputUnwritable: the disk is full, or the like.
        """
        import av

        assert isinstance(timed.frame, Planes)
        frame = to_frame(timed.frame, self._encoder.format, self._encoder.size, self._encoder.tags)
        frame.pts = timed.pts
        frame.duration = timed.duration or self._step
        frame.time_base = self._encoder.time_base
        try:
            if self._context is None or self._file is None:
                self._context = self._encoder.open()
                self._file = SegmentFile(self._journal.part(len(self._journal.segments)))
            self._put(self._context.encode(frame))
            self._frames += 1
            self._last.append((timed.pts, timed.check))
            self._health = timed.health
            if self._frames == self._encoder.segment:
                self._close()
        except OSError as error:
            raise self._unwritable(error) from error
        except (av.FFmpegError, ValueError) as error:
            raise self._refused(error) from error

    def finish(self) -> None:
        """See `Sink`.

        Raises:
            OutputUnwritable: the disk is full, or the like.
        """
        import av

        try:
            self._close()
            self._whole()
            self._journal.drop()
        except OSError as error:
            raise self._unwritable(error) from error
        except (av.FFmpegError, ValueError) as error:
            raise self._refused(error) from error

    def abandon(self) -> None:
        """See `Sink`: finished segments stay for a resumption."""
        if self._file is not None:
            self._file.abandon()
        self._journal.result.unlink(missing_ok=True)
        self._journal.drop_if_empty()
        self._journal.release()

    def _put(self, packets: list[Packet[Any]]) -> None:
        assert self._file is not None
        for packet in packets:
            assert packet.pts is not None
            self._file.put(Coded(packet.pts, packet.duration or 0, packet.is_keyframe, bytes(packet)))

    def _close(self) -> None:
        """End the segment: what its encoder holds back comes out."""
        if self._context is None or self._file is None:
            return
        self._put(self._context.encode(None))
        place = None if self._health is None else Place(tuple(self._last), self._health)
        self._journal.add(self._file.finish(self._frames, place))
        self._context, self._file, self._frames = None, None, 0

    def _refused(self, error: Exception) -> OutputUnwritable:
        """FFmpeg's encoder gives up, which is not about the disk."""
        why = getattr(error, "strerror", None) or error
        return OutputUnwritable(
            f"{self._encoder.encoder} does not code a frame of {self._journal.folder.with_suffix('')}: {why}",
            f"choose another --codec; {_SAID}" if self._journal.segments else "choose another --codec",
        )

    def _unwritable(self, error: OSError) -> OutputUnwritable:
        plain = unwritable(self._journal.folder.with_suffix(""), error)
        return OutputUnwritable(plain.what, f"{plain.hint}; {_SAID}") if self._journal.segments else plain
