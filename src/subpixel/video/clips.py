"""What is in a video file, found out without decoding more than its first frames."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from subpixel.errors import PictureMissing, PictureUnreadable, PictureUnsupported, names_like
from subpixel.types import Size
from subpixel.video.conversion import says_full
from subpixel.video.planes import Siting
from subpixel.video.tags import Tags, settled

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_PACKETS: Final = 400  # looked through for a frame before a file is given up
_FRAMES: Final = 8  # looked at for interlacing
_DEFAULT_RATE: Final = Fraction(25)
_FIELDS: Final = (2, 3, 4, 5)  # AVFieldOrder of interlaced streams
_IDENTITY: Final = (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
_BESIDE: Final = {
    "A53_CC": "closed captions within the frames",
    "MASTERING_DISPLAY_METADATA": "HDR mastering data",
    "CONTENT_LIGHT_LEVEL": "HDR mastering data",
    "DYNAMIC_HDR_PLUS": "dynamic HDR data",
    "DOVI_METADATA": "Dolby Vision data",
    "SPHERICAL": "spherical projection",
    "STEREO3D": "stereoscopy",
}
_CENTRED: Final = ("mjpeg", "mpeg1video")  # codecs that put chroma between the samples of luma


@dataclass(frozen=True, slots=True)
class Track:
    """A stream beside the film.

    Attributes:
        index: its number in the file, from 0.
        kind: ``"audio"``, ``"subtitle"``, ``"attachment"``, ``"data"``, ``"video"``, or ``"cover"`` for cover art.
        codec: FFmpeg's name for how it is coded, empty where there is none.
        language: of three letters; empty where the file does not tell.
    """

    index: int
    kind: str
    codec: str
    language: str = ""

    def __str__(self) -> str:
        return f"stream {self.index} ({', '.join(word for word in (self.kind, self.codec, self.language) if word)})"


@dataclass(frozen=True, slots=True)
class Clip:
    """A video file and its film: the best stream of moving pictures in it.

    Attributes:
        path: the file.
        container: FFmpeg's name of its format.
        index: number of the film's stream.
        codec: FFmpeg's name of its codec.
        size: of a frame, as coded.
        rate: frames per second, on average.
        time_base: unit of its timestamps, seconds.
        count: number of frames; an estimate where the file does not tell, None where there is nothing to go by.
        duration: seconds, None where the file does not tell.
        origin: when the file starts, seconds; results start at 0. Not 0 for broadcast streams alone.
        format: FFmpeg's name of the sample format.
        tags: what its samples mean.
        siting: where chroma stands.
        aspect: width of a sample over its height.
        display: matrix that turns frames upright, nine numbers as in MP4; None where they are upright already.
        interlaced: True where frames are made of two fields.
        tracks: every other stream.
        chapters: number of chapters.
        lost: what its frames carry that no result has, as ``"transparency"``.
    """

    path: Path
    container: str
    index: int
    codec: str
    size: Size
    rate: Fraction
    time_base: Fraction
    count: int | None
    duration: Fraction | None
    origin: Fraction
    format: str
    tags: Tags
    siting: Siting
    aspect: Fraction
    display: tuple[int, ...] | None
    interlaced: bool
    tracks: tuple[Track, ...]
    chapters: int
    lost: tuple[str, ...] = ()

    @property
    def turned(self) -> str:
        """What players do to show its frames upright: ``"rotation"``, ``"mirroring"``, or nothing."""
        if self.display is None:
            return ""
        a, b, _, c, d = self.display[:5]
        return "rotation" if (a, b) == (d, -c) else "mirroring"


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """A video file, open for reading.

    Raises:
        PictureMissing: nothing there.
        PictureUnreadable: empty, or nothing that FFmpeg can open.
        PictureUnsupported: a folder.
    """
    import av

    if path.is_dir():
        raise PictureUnsupported(f"{path} is a folder", "name a video file")
    if not path.exists():
        raise PictureMissing(f"{path} does not exist", names_like(path))
    if not path.is_file():
        raise PictureUnsupported(
            f"{path} is a pipe or a device", "save the video as a file: parts of it are read more than once"
        )
    if path.stat().st_size == 0:
        raise PictureUnreadable(f"{path} is empty", "copy or record it again")
    try:
        container = av.open(str(path.absolute()), metadata_errors="replace")
    except (av.FFmpegError, UnicodeError) as error:
        raise PictureUnreadable(f"{path} cannot be opened as a video", _why(path, error)) from error
    with container:
        yield container


def _why(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        start = file.read(12)
    if start[4:8] == b"ftyp":
        return "its index (moov) is missing: the recording or the copy was not finished"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    return "it is damaged at its start, or not a video at all"


def film_of(container: InputContainer, path: Path) -> VideoStream:
    """The best stream of moving pictures, cover art left aside.

    Raises:
        PictureUnsupported: there is none, or no decoder for it.
    """
    from av.stream import Disposition

    films = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    if not films:
        kinds = sorted({stream.type for stream in container.streams if stream.type != "video"})
        there = f"it has {' and '.join(kinds)} only" if kinds else "it has no stream at all"
        raise PictureUnsupported(f"{path} has no video stream", there)
    able = [one for one in films if one.codec_context is not None]
    if not able:
        raise PictureUnsupported(f"{path} is coded in a way that cannot be decoded here", "convert it first")
    return max(able, key=lambda one: (bool(one.disposition & Disposition.default), one.width * one.height))


def tracks_of(container: InputContainer, film: VideoStream) -> tuple[Track, ...]:
    """Every stream but the film; those that FFmpeg has taken for chapters are no streams."""
    from av.stream import Discard, Disposition

    found = []
    for stream in container.streams:
        if stream.index == film.index or stream.discard == Discard.all:
            continue
        cover = stream.type == "video" and stream.disposition & Disposition.attached_pic
        found.append(Track(stream.index, "cover" if cover else stream.type, _codec(stream), stream.language or ""))
    return tuple(found)


def _codec(stream: Stream) -> str:
    return stream.codec_context.codec.canonical_name if stream.codec_context is not None else ""


def probe(path: str | Path) -> Clip:
    """Find out what is in a video file.

    Raises:
        PictureError: it cannot be read, has no video stream, or none of its frames can be decoded.
    """
    path = Path(path)
    with opened(path) as container:
        film = film_of(container, path)
        frames = list(islice(_first_frames(container, film), _FRAMES))
        if not frames:
            raise PictureUnreadable(f"no frame of {path} can be decoded", "it is damaged: copy or record it again")
        first = frames[0]
        size = Size(first.width, first.height)
        tags = settled(
            size,
            range=first.color_range or film.codec_context.color_range,
            matrix=first.colorspace,
            primaries=first.color_primaries,
            transfer=first.color_trc,
            rgb=first.format.is_rgb,
            full=says_full(first.format.name) or _is_full_grey(first),
        )
        rate = film.average_rate or film.guessed_rate or film.base_rate or _DEFAULT_RATE
        assert film.time_base is not None
        duration = _duration(container, film)
        count = film.frames or (None if duration is None else max(1, round(duration * rate)))
        starts = "mpeg" in container.format.name and container.start_time is not None  # broadcasts start anywhere
        return Clip(
            path=path,
            container=container.format.name,
            index=film.index,
            codec=film.codec_context.codec.canonical_name,
            size=size,
            rate=Fraction(rate),
            time_base=film.time_base,
            count=count,
            duration=duration,
            origin=Fraction(container.start_time, 1_000_000) if starts else Fraction(0),
            format=first.format.name,
            tags=tags,
            siting=_siting(film.codec_context.codec.canonical_name, tags),
            aspect=film.sample_aspect_ratio or Fraction(1),
            display=_display(first),
            interlaced=film.codec_context.field_order in _FIELDS or any(frame.interlaced_frame for frame in frames),
            tracks=tracks_of(container, film),
            chapters=len(container.chapters()),
            lost=_lost(frames, film),
        )


def _is_full_grey(frame: VideoFrame) -> bool:
    """Grey that does not say its range: FFmpeg takes it for full, unlike colour."""
    return len(frame.format.components) < 3 and not frame.format.has_palette and frame.color_range == 0


def _lost(frames: list[VideoFrame], film: VideoStream) -> tuple[str, ...]:
    """What frames carry beside samples that cannot be handed to an encoder."""
    clear = any(part.is_alpha for part in frames[0].format.components)
    clear = clear or film.metadata.get("alpha_mode", film.metadata.get("ALPHA_MODE")) == "1"  # of VP8 and VP9 in WebM
    found = ["transparency"] if clear else []
    sides: Any = [frame.side_data for frame in frames]
    kinds = {data.type.name for side in sides for data in side}
    return (*found, *dict.fromkeys(words for kind, words in _BESIDE.items() if kind in kinds))


def _first_frames(container: InputContainer, film: VideoStream) -> Iterator[VideoFrame]:
    import av

    try:
        for packet in islice(container.demux(film), _PACKETS):
            try:
                yield from packet.decode()
            except av.FFmpegError:
                continue
    except av.FFmpegError:
        return


def _duration(container: InputContainer, film: VideoStream) -> Fraction | None:
    if film.duration is not None and film.time_base is not None:
        return film.duration * film.time_base
    return None if not container.duration else Fraction(container.duration, 1_000_000)


def _siting(codec: str, tags: Tags) -> Siting:
    if tags.kind == "bt2020":
        return "topleft"
    return "center" if codec in _CENTRED else "left"


def _display(frame: VideoFrame) -> tuple[int, ...] | None:
    """The display matrix that comes with a frame."""
    sides: Any = frame.side_data
    for data in sides:
        if data.type.name == "DISPLAYMATRIX":
            matrix = tuple(int(number) for number in np.frombuffer(bytes(data), np.int32))
            return None if matrix == _IDENTITY else matrix
    return None
