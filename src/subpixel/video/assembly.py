"""One file out of the finished segments and of everything else that stands in the source, copied packet by packet."""

from __future__ import annotations

import errno
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from subpixel.errors import OutputUnwritable, SettingError
from subpixel.video.clips import Clip, Track, opened
from subpixel.video.containers import Container
from subpixel.video.encoding import Encoder
from subpixel.video.journal import Coded, Journal
from subpixel.video.matroska import state_shape
from subpixel.video.reading import Span

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.stream import Stream

_OF_THE_FILE: Final = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder"})
"""Metadata about how the source was put together, not about what is in it."""
_OF_THE_CODING: Final = ("BPS", "DURATION", "NUMBER_OF_", "_STATISTICS_", "ENCODER", "VENDOR_ID")
"""Metadata of a stream that is true of its old packets only, in capitals."""
_PLAIN_KEYS: Final = frozenset((
    "title", "artist", "album_artist", "composer", "album", "date", "comment", "genre", "copyright", "grouping",
    "lyrics", "description", "synopsis", "show", "episode_id", "network", "keywords", "location", "track", "disc",
    "creation_time",
))  # fmt: skip
"""Keys that MP4 has names of its own for; others need its general form."""
_COVERS: Final = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}
_OF_THE_SYSTEM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
"""Errors that are not about a packet."""
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
    """

    clip: Clip
    span: Span
    container: Container
    encoder: Encoder
    drop: tuple[int, ...] = ()

    @property
    def shift(self) -> Fraction:
        """Seconds taken off every timestamp: the film's own ticks, so that it stays exact."""
        ticks = round((self.clip.origin + self.span.start) / self.clip.time_base)
        return ticks * self.clip.time_base

    @property
    def kept(self) -> tuple[Track, ...]:
        """Streams to copy."""
        return tuple(track for track in self.clip.tracks if track.index not in self.drop)


def check(recipe: Recipe, target: Path) -> tuple[Recipe, tuple[str, ...]]:
    """Find out before the work whether the file could be put together: write its beginning into memory.

    Returns:
        The recipe without streams that FFmpeg itself cannot name, and a line about each of them.

    Raises:
        SettingError: a stream that the container cannot hold, or to be dropped and not there.
    """
    there = {track.index for track in recipe.clip.tracks}
    for number in recipe.drop:
        if number not in there:
            listed = ", ".join(map(str, recipe.clip.tracks)) or "no other stream"
            raise SettingError(f"there is no stream {number} to drop beside the film", f"there is {listed}")
    nameless = tuple(track for track in recipe.kept if track.kind in ("data", "unknown") and not track.codec)
    with opened(recipe.clip.path) as source:
        try:
            _Target(recipe, source, None, target).close_quietly()
            return recipe, ()
        except SettingError:
            if not nameless:
                raise
        recipe = replace(recipe, drop=(*recipe.drop, *(track.index for track in nameless)))
        _Target(recipe, source, None, target).close_quietly()
    title = recipe.container.title
    return recipe, tuple(f"{track} cannot be copied into {title} and is left out" for track in nameless)


def assemble(recipe: Recipe, journal: Journal, target: Path) -> tuple[str, ...]:
    """Put the file together, under the name `journal.result`; gives a line for each stream with damaged packets.

    Args:
        recipe: what goes into it.
        journal: of the film's segments, all finished.
        target: the file's name in the end, for what is said.

    Raises:
        OutputUnwritable: FFmpeg cannot write it.
        OSError: the disk is full, or the like.
    """
    import av

    try:
        with opened(recipe.clip.path) as source:
            made = _Target(recipe, source, journal.result, target)
            try:
                made.fill(source, journal)
                made.container.close()
                encoder = recipe.encoder
                if encoder.aspect != 1 and not (recipe.container.aspect or encoder.codec.shape):
                    state_shape(journal.result, encoder.size, encoder.aspect)
                return made.notes()
            except BaseException:
                made.close_quietly()
                raise
    except av.FFmpegError as error:
        if error.errno and 0 < error.errno < 1000:
            raise OSError(error.errno, error.strerror) from error
        raise OutputUnwritable(f"{target} cannot be put together", str(error.strerror or error)) from error


@dataclass
class _Target:
    """The file with all its streams, in the source's order, its header written.

    Attributes:
        recipe: what goes into it.
        source: the source, open.
        path: the file; None for one in memory that is thrown away.
        target: its name in the end, for what is said.
        container: the file.
        copies: where packets of each of the source's streams go.
        covers: cover art to write first, by its stream.
        damaged: packets of each of the source's streams that could not be copied.
    """

    recipe: Recipe
    source: InputContainer
    path: Path | None
    target: Path
    container: OutputContainer = field(init=False)
    film: Stream = field(init=False)
    copies: dict[int, Stream] = field(default_factory=dict)
    covers: list[tuple[Stream, bytes]] = field(default_factory=list)
    damaged: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        import av

        metadata = {key: value for key, value in self.source.metadata.items() if key.lower() not in _OF_THE_FILE}
        options: dict[str, str] = {}
        if self.recipe.container.muxer in ("mp4", "mov"):
            flags = ["faststart"] if self.path is not None else []
            flags += ["use_metadata_tags"] if metadata.keys() - _PLAIN_KEYS else []
            options["movflags"] = "+".join(["", *flags]) if flags else "0"
        file: Any = io.BytesIO() if self.path is None else str(self.path.absolute())
        self.container = av.open(file, "w", format=self.recipe.container.muxer, container_options=options)
        self.container.metadata.update(metadata)
        self.container.set_chapters(self._chapters())
        kept = {track.index: track for track in self.recipe.kept}
        try:
            for stream in self.source.streams:
                if stream.index == self.recipe.clip.index:
                    self._add_film(stream)
                elif stream.index in kept:
                    self._add_copy(kept[stream.index], stream)
            self.container.start_encoding()
        except (av.FFmpegError, ValueError) as error:
            self.close_quietly()
            raise SettingError(
                f"{self.target}: {self.recipe.container.title} does not take these streams together",
                f"{getattr(error, 'strerror', None) or error}; write .mkv, or leave some out with --drop",
            ) from error
        except SettingError:
            self.close_quietly()
            raise

    def close_quietly(self) -> None:
        """Close a file that will not be used, whatever it says."""
        import av

        try:
            self.container.close()
        except (av.FFmpegError, OSError, ValueError):
            return

    def _add_film(self, stream: Stream) -> None:
        clip, encoder = self.recipe.clip, self.recipe.encoder
        made = encoder.add_to(self.container)
        made.disposition = stream.disposition
        made.metadata.update(
            {key: value for key, value in stream.metadata.items() if not key.upper().startswith(_OF_THE_CODING)}
        )
        if clip.display is not None:
            made.set_display_matrix(enlarged(clip.display, encoder.size.width / clip.size.width))
        self.film = made

    def _add_copy(self, track: Track, stream: Stream) -> None:
        container = self.recipe.container
        if track.kind == "data" and "timecode" in stream.metadata and container.muxer in ("mp4", "mov"):
            return  # the muxer makes it anew out of the film's metadata
        cannot = SettingError(
            f"{self.target}: {container.title} cannot hold {track}",
            f"write .mkv, or leave it out with --drop {track.index}",
        )
        if track.kind == "attachment" and not container.attachments:
            raise cannot
        if track.kind == "cover":
            self._add_cover(track, stream, cannot)
            return
        try:
            made = self.container.add_stream_from_template(stream, opaque=True)
        except ValueError as error:
            raise cannot from error
        made.disposition = stream.disposition
        made.metadata.update(stream.metadata)
        if track.kind != "attachment":
            self.copies[stream.index] = made

    def _add_cover(self, track: Track, stream: Stream, cannot: SettingError) -> None:
        container = self.recipe.container
        data = _first_packet(self.recipe.clip.path, stream.index)
        if container.attachments:
            name, kind = _COVERS.get(track.codec, (f"cover.{track.codec}", "application/octet-stream"))
            metadata = stream.metadata
            self.container.add_attachment(metadata.get("filename", name), metadata.get("mimetype", kind), data)
            return
        if not container.covers:
            raise cannot
        try:
            made = self.container.add_stream_from_template(stream, opaque=True)
        except ValueError as error:
            raise cannot from error
        made.disposition = stream.disposition
        made.metadata.update(stream.metadata)
        self.covers.append((made, data))

    def _chapters(self) -> Any:
        """The source's chapters, those within the span, counted from its start."""
        shift, end = self.recipe.shift, self.recipe.span.end
        length = None if end is None else self.recipe.clip.origin + end - shift
        found = []
        for chapter in self.source.chapters():
            base = chapter["time_base"] or Fraction(1, 1_000_000)
            start, stop = (max(chapter[name] * base - shift, Fraction(0)) for name in ("start", "end"))
            if length is not None:
                stop = min(stop, length)
            if stop > 0 and (length is None or start < length):
                found.append({**chapter, "start": round(start / base), "end": round(stop / base)})
        return found

    def fill(self, source: InputContainer, journal: Journal) -> None:
        """Write all packets, those of the film among the others by the time they are decoded at."""
        from av.packet import Packet

        for made, data in self.covers:
            packet: Packet[Any] = Packet(data)
            packet.stream, packet.pts, packet.dts, packet.is_keyframe = made, 0, 0, True
            self.container.mux(packet)
        encoder = self.recipe.encoder
        film = journal.film(max(1, round(1 / (encoder.rate * encoder.time_base))))
        coded = next(film, None)
        for packet, seconds in self._copied(source):
            while coded is not None and coded[1] * encoder.time_base <= seconds:
                self._put(*coded)
                coded = next(film, None)
            self._copy(packet)
        while coded is not None:
            self._put(*coded)
            coded = next(film, None)

    def _copy(self, packet: Packet[Any]) -> None:
        """Write a packet of another stream; one that is damaged is left out and counted."""
        import av

        index = packet.stream_index
        try:
            self.container.mux(packet)
        except av.FFmpegError as error:
            if error.errno in _OF_THE_SYSTEM:
                raise
            self.damaged[index] += 1

    def notes(self) -> tuple[str, ...]:
        """A line for each stream with packets that could not be copied."""
        came_from = {made.index: number for number, made in self.copies.items()}
        tracks = {track.index: track for track in self.recipe.clip.tracks}
        return tuple(
            f"{count} damaged packet{'' if count == 1 else 's'} of {tracks[came_from[index]]} left out"
            for index, count in sorted(self.damaged.items())
        )

    def _put(self, coded: Coded, dts: int) -> None:
        from av.packet import Packet

        packet: Packet[Any] = Packet(coded.data)
        packet.time_base = self.recipe.encoder.time_base
        packet.stream = self.film
        packet.pts, packet.dts, packet.duration, packet.is_keyframe = coded.pts, dts, coded.duration, coded.key
        self.container.mux(packet)

    def _copied(self, source: InputContainer) -> Iterator[tuple[Packet[Any], Fraction]]:
        """Packets of the other streams, moved to their new time, and when each is decoded, in seconds."""
        if not self.copies:
            return
        shift, span = self.recipe.shift, self.recipe.span
        length = None if span.end is None else self.recipe.clip.origin + span.end - shift
        if span.start > 0:
            source.seek(int((self.recipe.clip.origin + span.start) * 1_000_000))
        last = Fraction(0)
        for packet in self._demuxed(source):
            base = packet.time_base
            time = packet.dts if packet.dts is not None else packet.pts
            if packet.size == 0 or time is None:
                continue
            last = time * base - shift
            shown = (packet.pts if packet.pts is not None else time) * base - shift
            if length is not None and last > length + _PATIENCE:
                return
            if (length is not None and shown >= length) or (span.start > 0 and not self._reaches(packet, shown)):
                continue
            ticks = round(shift / base)
            packet.stream = self.copies[packet.stream_index]
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

    def _reaches(self, packet: Packet[Any], shown: Fraction) -> bool:
        """Whether a packet belongs to a cut that starts at 0: sound from there on, subtitles still shown then too."""
        if packet.stream.type == "subtitle":
            return shown + (packet.duration or 0) * packet.time_base > 0
        return shown >= 0

    def _demuxed(self, source: InputContainer) -> Iterator[Packet[Any]]:
        """Packets to copy; a source that is cut off ends where it is cut off."""
        import av

        packets = source.demux([stream for stream in source.streams if stream.index in self.copies])
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                return
            if packet is None:
                return
            yield packet


def enlarged(matrix: tuple[int, ...], factor: float) -> tuple[int, ...]:
    """A display matrix for frames that many times larger: what it moves by is in pixels."""
    moved = (round(matrix[6] * factor), round(matrix[7] * factor))
    return (*matrix[:6], *moved, matrix[8])


def _first_packet(path: Path, index: int) -> bytes:
    """The data of a stream's first packet: cover art is one packet."""
    with opened(path) as container:
        for packet in container.demux([container.streams[index]]):
            if packet.size:
                return bytes(packet)
    return b""
