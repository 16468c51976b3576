"""Everything beside the film, packet by packet: what is copied, and when it is shown in the result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from subpixel.video.clips import Clip, Track, opened
from subpixel.video.containers import Container
from subpixel.video.encoding import Encoder
from subpixel.video.reading import Span

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream

_PATIENCE: Final = 10  # seconds behind the end of a cut after which no packet before it is expected


@dataclass(frozen=True, slots=True)
class Recipe:
    """What goes into the file.

    Attributes:
        clip: the source.
        span: the part of it that is wanted.
        container: kind of file.
        encoder: of the film.
        drop: numbers of streams to leave out.
        alone: True where the source is no file with streams: nothing is copied, and it is not opened.
    """

    clip: Clip
    span: Span
    container: Container
    encoder: Encoder
    drop: tuple[int, ...] = ()
    alone: bool = False

    @property
    def shift(self) -> Fraction:
        """Seconds taken off every timestamp: the film's own ticks, so that it stays exact."""
        ticks = round((self.clip.origin + self.span.start) / self.clip.time_base)
        return ticks * self.clip.time_base

    @property
    def length(self) -> Fraction | None:
        """Seconds of the result, None where it ends with the source."""
        return None if self.span.end is None else self.clip.origin + self.span.end - self.shift

    @property
    def kept(self) -> tuple[Track, ...]:
        """Streams to copy."""
        return tuple(track for track in self.clip.tracks if track.index not in self.drop)


@contextmanager
def beside(recipe: Recipe) -> Iterator[InputContainer | None]:
    """The source, open, for what is copied out of it; None where there is nothing."""
    if recipe.alone:
        yield None
        return
    with opened(recipe.clip.path) as source:
        yield source


def copied(
    recipe: Recipe, source: InputContainer | None, copies: Mapping[int, Stream], damaged: Counter[int]
) -> Iterator[tuple[Packet[Any], Fraction]]:
    """Packets of the other streams, moved to their new time, and when each is decoded, in seconds.

    Args:
        recipe: what goes into the file.
        source: the source, open, at its start; None where nothing is copied.
        copies: where packets of each of the source's streams go.
        damaged: counts packets left out because their time cannot be right, by the stream they would have gone to.
    """
    if not copies or source is None:
        return
    shift, span = recipe.shift, recipe.span
    length = recipe.length
    if span.start > 0:
        source.seek(int((recipe.clip.origin + span.start) * 1_000_000))
    last = Fraction(0)
    for packet in _in_order(_demuxed(source, copies), copies, damaged):
        base = packet.time_base
        time = _time(packet)
        assert time is not None
        last = time * base - shift
        shown = (packet.pts if packet.pts is not None else time) * base - shift
        if length is not None and last > length + _PATIENCE:
            return
        if (length is not None and shown >= length) or (span.start > 0 and not _reaches(packet, shown)):
            continue
        ticks = round(shift / base)
        packet.stream = copies[packet.stream_index]
        if packet.pts is not None:
            packet.pts -= ticks
            if shown < 0 and span.start > 0 and packet.duration:  # a subtitle that is shown already
                packet.duration += packet.pts
                packet.pts = packet.dts = 0
                yield packet, Fraction(0)
                continue
        if packet.dts is not None:
            packet.dts -= ticks
        yield packet, last


def _in_order(
    packets: Iterable[Packet[Any]], copies: Mapping[int, Stream], damaged: Counter[int]
) -> Iterator[Packet[Any]]:
    """Packets without those whose time is far ahead for a moment, which none behind them could follow.

    One packet of each track of sound is held back until the next one shows whether it can go between its neighbours.
    """
    held: dict[int, Packet[Any]] = {}
    gone: dict[int, int] = {}
    for packet in packets:
        now = _time(packet)
        if packet.size == 0 or now is None:
            continue
        if packet.stream.type not in ("audio", "video"):  # few and far between: held back, they would come too late
            yield packet
            continue
        index = packet.stream_index
        before = held.get(index)
        then = None if before is None else _time(before)
        if before is not None and then is not None:
            if now < then:
                damaged[copies[index].index] += 1
                if index in gone and now < gone[index]:
                    continue  # it is this one that is out of its place
            else:
                gone[index] = then
                yield before
        held[index] = packet
    yield from sorted(held.values(), key=lambda packet: (_time(packet) or 0) * packet.time_base)


def _time(packet: Packet[Any]) -> int | None:
    """When a packet is decoded, or else shown."""
    return packet.dts if packet.dts is not None else packet.pts


def _reaches(packet: Packet[Any], shown: Fraction) -> bool:
    """Whether a packet belongs to a cut that starts at 0: sound from there on, subtitles still shown then too."""
    if packet.stream.type == "subtitle":
        return shown + (packet.duration or 0) * packet.time_base > 0
    return shown >= 0


def _demuxed(source: InputContainer, copies: Mapping[int, Stream]) -> Iterator[Packet[Any]]:
    """Packets to copy; a source that is cut off ends where it is cut off."""
    import av

    packets = source.demux([stream for stream in source.streams if stream.index in copies])
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError:
            return
        if packet is None:
            return
        yield packet


def chapters(recipe: Recipe, source: InputContainer | None) -> Any:
    """The source's chapters, those within the span, counted from its start; as PyAV takes them."""
    shift, length = recipe.shift, recipe.length
    found = []
    for chapter in [] if source is None else source.chapters():
        base = chapter["time_base"] or Fraction(1, 1_000_000)
        start, stop = (max(chapter[name] * base - shift, Fraction(0)) for name in ("start", "end"))
        if length is not None:
            stop = min(stop, length)
        if stop > 0 and (length is None or start < length):
            found.append({**chapter, "start": round(start / base), "end": round(stop / base)})
    return found


def first_packet(path: Path, index: int) -> bytes:
    """The data of a stream's first packet: cover art is one packet."""
    with opened(path) as container:
        for packet in container.demux([container.streams[index]]):
            if packet.size:
                return bytes(packet)
    return b""


def packets_of(path: Path, index: int) -> int:
    """Number of packets of a stream."""
    with opened(path) as container:
        return sum(1 for packet in container.demux([container.streams[index]]) if packet.size)
