"""One file out of the finished segments and of everything else that stands in the source, copied packet by packet."""

from __future__ import annotations

import errno
import io
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from subpixel.errors import OutputUnwritable, SettingError
from subpixel.video.clips import Track
from subpixel.video.copying import Recipe, beside, chapters, copied, first_packet, packets_of
from subpixel.video.journal import Coded, Journal
from subpixel.video.matroska import state_shape

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.stream import Stream

_OF_THE_FILE: Final = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder"})
"""Metadata about how the source was put together, not about what is in it."""
_OF_THE_CODING: Final = ("BPS", "DURATION", "NUMBER_OF_", "_STATISTICS_", "ENCODER", "VENDOR_ID", "ALPHA_MODE")
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
_INT32: Final = (1 << 31) - 1
_TRIED: Final = 400  # packets that are looked at for the first of each stream


def check(recipe: Recipe, target: Path) -> tuple[Recipe, tuple[str, ...]]:
    """Find out before the work whether the file could be put together: write a small one into memory.

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
    with beside(recipe) as source:
        try:
            _Target(recipe, source, None, target).try_out(source)
            return recipe, ()
        except SettingError:
            if not nameless:
                raise
    recipe = replace(recipe, drop=(*recipe.drop, *(track.index for track in nameless)))
    with beside(recipe) as source:
        _Target(recipe, source, None, target).try_out(source)
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
        with beside(recipe) as source:
            made = _Target(recipe, source, journal.result, target)
            try:
                made.fill(source, journal)
                made.end(journal)
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
        source: the source, open; None where nothing stands beside the film.
        path: the file; None for one in memory that is thrown away.
        target: its name in the end, for what is said.
        container: the file.
        copies: where packets of each of the source's streams go.
        covers: cover art to write first, by its stream.
        damaged: packets of each of the source's streams that could not be copied.
    """

    recipe: Recipe
    source: InputContainer | None
    path: Path | None
    target: Path
    container: OutputContainer = field(init=False)
    film: Stream = field(init=False)
    copies: dict[int, Stream] = field(default_factory=dict)
    covers: list[tuple[Stream, bytes]] = field(default_factory=list)
    damaged: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        import av

        there = {} if self.source is None else self.source.metadata
        metadata = {key: value for key, value in there.items() if key.lower() not in _OF_THE_FILE}
        options: dict[str, str] = {}
        if self.recipe.container.muxer in ("mp4", "mov"):
            flags = ["faststart"] if self.path is not None else []
            flags += ["use_metadata_tags"] if metadata.keys() - _PLAIN_KEYS else []
            options["movflags"] = "+".join(["", *flags]) if flags else "0"
        file: Any = io.BytesIO() if self.path is None else str(self.path.absolute())
        self.container = av.open(file, "w", format=self.recipe.container.muxer, container_options=options)
        self.container.metadata.update(metadata)
        self.container.set_chapters(chapters(self.recipe, self.source))
        kept = {track.index: track for track in self.recipe.kept}
        try:
            if self.source is None:
                self._add_film(None)
            for stream in () if self.source is None else self.source.streams:
                if stream.index == self.recipe.clip.index:
                    self._add_film(stream)
                elif stream.index in kept:
                    self._add_copy(kept[stream.index], stream)
            self.container.start_encoding()
        except (av.FFmpegError, ValueError) as error:
            self.close_quietly()
            named = ", ".join(str(track) for track in self.recipe.kept)
            raise SettingError(
                f"{self.target}: {self.recipe.container.title} does not take {named or 'such a film'}",
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

    def _add_film(self, stream: Stream | None) -> None:
        clip, encoder = self.recipe.clip, self.recipe.encoder
        made = encoder.add_to(self.container)
        if stream is not None:
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
        if container.tracks and track.codec not in container.tracks:
            raise cannot
        if track.kind == "cover":
            self._add_cover(track, stream, cannot)
            return
        made = self._like(stream, cannot)
        if track.kind != "attachment":
            self.copies[stream.index] = made

    def _add_cover(self, track: Track, stream: Stream, cannot: SettingError) -> None:
        container = self.recipe.container
        data = first_packet(self.recipe.clip.path, stream.index)
        if container.attachments:
            name, kind = _COVERS.get(track.codec, (f"cover.{track.codec}", "application/octet-stream"))
            metadata = stream.metadata
            self.container.add_attachment(metadata.get("filename", name), metadata.get("mimetype", kind), data)
            return
        if not container.covers:
            raise cannot
        self.covers.append((self._like(stream, cannot), data))

    def _like(self, stream: Stream, cannot: SettingError) -> Stream:
        """A stream of the result that takes the packets of one of the film; `cannot` where the container holds none."""
        try:
            made = self.container.add_stream_from_template(stream, opaque=True)
        except ValueError as error:
            raise cannot from error
        made.disposition = stream.disposition
        made.metadata.update(stream.metadata)
        return made

    def fill(self, source: InputContainer | None, journal: Journal) -> None:
        """Write all packets, those of the film among the others by the time they are decoded at."""
        from av.packet import Packet

        for made, data in self.covers:
            packet: Packet[Any] = Packet(data)
            packet.stream, packet.pts, packet.dts, packet.is_keyframe = made, 0, 0, True
            self.container.mux(packet)
        encoder = self.recipe.encoder
        film = journal.film(max(1, round(1 / (encoder.rate * encoder.time_base))))
        coded = next(film, None)
        for packet, seconds in copied(self.recipe, source, self.copies, self.damaged):
            while coded is not None and coded[1] * encoder.time_base <= seconds:
                self._put(*coded)
                coded = next(film, None)
            self._mux(packet)
        while coded is not None:
            self._put(*coded)
            coded = next(film, None)

    def try_out(self, source: InputContainer | None) -> None:
        """Write the first packets of the other streams, and the end: some are refused there only.

        Raises:
            SettingError: they are.
        """
        import av

        tried: set[int] = set()
        try:
            for packet, _ in islice(copied(self.recipe, source, self.copies, self.damaged), _TRIED):
                if packet.stream_index not in tried:
                    tried.add(packet.stream_index)
                    self._mux(packet)
                if len(tried) == len(self.copies):
                    break
            if not self.damaged:
                self.container.close()
        except (av.FFmpegError, ValueError) as error:
            named = ", ".join(str(track) for track in self.recipe.kept if track.index in self.copies)
            raise SettingError(
                f"{self.target}: {self.recipe.container.title} does not take {named or 'such a film'}",
                f"{getattr(error, 'strerror', None) or error}; write .mkv, or leave some out with --drop",
            ) from error
        finally:
            self.close_quietly()

    def _mux(self, packet: Packet[Any]) -> None:
        """Write a packet; one that is damaged is left out and counted.

        FFmpeg holds packets back until those of all streams are there, and so may complain of one when it is given
        another. Those of the film are in order and whole: what it complains of is never one of them.
        """
        import av

        index = packet.stream_index
        try:
            self.container.mux(packet)
        except av.FFmpegError as error:
            if error.errno in _OF_THE_SYSTEM or not self.copies:
                raise
            self.damaged[index] += 1

    def end(self, journal: Journal) -> None:
        """Close the file; where packets were damaged, see that the film is whole in it.

        Raises:
            OutputUnwritable: it is not: what else stands in the source is too damaged.
        """
        import av

        try:
            self.container.close()
            if not self.damaged or packets_of(journal.result, self.film.index) == journal.packets_in_all:
                return
        except av.FFmpegError as error:
            if error.errno in _OF_THE_SYSTEM or not self.copies:
                raise
        listed = ", ".join(str(track) for track in self.recipe.kept if track.index in self.copies)
        raise OutputUnwritable(
            f"{self.target} cannot be put together: what stands beside the film is too damaged ({listed})",
            "the same command with --resume and --drop N goes on without it",
        )

    def notes(self) -> tuple[str, ...]:
        """A line for each stream with packets that could not be copied."""
        came_from = {made.index: number for number, made in self.copies.items()}
        tracks = {track.index: str(track) for track in self.recipe.clip.tracks}
        return tuple(
            f"{count} damaged packet{'' if count == 1 else 's'} of {named} left out"
            for index, count in sorted(self.damaged.items())
            for named in [tracks[came_from[index]] if index in came_from else "other streams"]
        )

    def _put(self, coded: Coded, dts: int) -> None:
        from av.packet import Packet

        packet: Packet[Any] = Packet(coded.data)
        packet.time_base = self.recipe.encoder.time_base
        packet.stream = self.film
        packet.pts, packet.dts, packet.duration, packet.is_keyframe = coded.pts, dts, coded.duration, coded.key
        self._mux(packet)


def enlarged(matrix: tuple[int, ...], factor: float) -> tuple[int, ...]:
    """A display matrix for frames that many times larger: what it moves by is in pixels."""
    moved = (max(-_INT32, min(_INT32, round(number * factor))) for number in matrix[6:8])
    return (*matrix[:6], *moved, matrix[8])
