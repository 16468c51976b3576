"""Frames into packets: an encoder for each segment of the film, so that work can stop and go on between two of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from subpixel.engines.processor import cpu_flags
from subpixel.errors import SettingError
from subpixel.types import Quality, Size
from subpixel.video.clips import Clip
from subpixel.video.codecs import Codec, by_name
from subpixel.video.containers import Container, holding
from subpixel.video.conversion import halved, working_format
from subpixel.video.planes import Siting
from subpixel.video.tags import Tags

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

_SEGMENT: Final = 10  # seconds that a segment lasts, as long as the usual distance of key frames
_PIXELS: Final = 1920 * 1080  # of a frame; segments of larger ones are shorter, because each frame is so much work
_FEWEST: Final = 48
_MOST: Final = 600


@dataclass(frozen=True, slots=True)
class Coding:
    """What was asked for about codec, quality and speed.

    Attributes:
        codec: as in ``--codec``; empty for that of the target's container.
        crf: constant quality, smaller is better; None for the codec's own.
        preset: how hard the encoder tries, in its own words; None: by `quality`.
        format: FFmpeg's name of a sample format; None to keep the source's as far as the codec can.
        quality: how much a better result is worth.
    """

    codec: str = ""
    crf: float | None = None
    preset: str | None = None
    format: str | None = None
    quality: Quality = "balanced"


@dataclass(frozen=True, slots=True)
class Encoder:
    """Everything an encoder is set to. Two encoders of the same settings give the same packets for the same frames.

    Attributes:
        codec: the row of the table.
        encoder: FFmpeg's name of the encoder.
        options: its options.
        format: sample format.
        size: of a frame.
        rate: frames per second.
        time_base: unit of timestamps.
        tags: what samples mean.
        aspect: width of a sample over its height.
        siting: where chroma stands, said where players would take it to stand elsewhere.
        threads: to encode with.
        segment: frames to a segment.
        headers: True where what decoders need first stands in the file's header, False where in its packets.
    """

    codec: Codec
    encoder: str
    options: tuple[tuple[str, str], ...]
    format: str
    size: Size
    rate: Fraction
    time_base: Fraction
    tags: Tags
    aspect: Fraction
    siting: Siting
    threads: int
    segment: int
    headers: bool

    @property
    def _told_to_ffmpeg(self) -> dict[str, str]:
        said = self.siting != "left" and halved(self.format)[1]
        return {**dict(self.options), **({"chroma_sample_location": self.siting} if said else {})}

    @property
    def told(self) -> str:
        """Its options for people, without those that only keep it quiet or exact."""
        return ", ".join(f"{name} {value}" for name, value in self.options if not name.endswith("-params"))

    def add_to(self, container: OutputContainer) -> VideoStream:
        """A stream for this encoder's packets."""
        self._hush()
        stream: Any = container.add_stream(self.encoder, rate=self.rate, options=self._told_to_ffmpeg)
        self._set(stream.codec_context)
        stream.time_base = self.time_base
        if self.codec.tag and container.format.name in ("mp4", "mov"):
            stream.codec_context.codec_tag = self.codec.tag
        made: VideoStream = stream
        return made

    def open(self) -> VideoCodecContext:
        """A new encoder.

        Raises:
            SettingError: it does not take these settings.
        """
        import av
        from av.codec.context import CodecContext, Flags

        self._hush()
        created: Any = CodecContext.create(self.encoder, "w")
        context: VideoCodecContext = created
        if self.headers:
            context.flags |= Flags.global_header
        context.framerate = self.rate
        context.options = self._told_to_ffmpeg
        self._set(context)
        try:
            context.open()
        except (av.FFmpegError, ValueError) as error:
            raise SettingError(
                f"{self.encoder} does not take {self.size} in {self.format} with {self.told or 'its defaults'}",
                "choose another size, --pixel-format or --codec",
            ) from error
        return context

    @staticmethod
    def _hush() -> None:
        """SVT-AV1 writes pages to standard error unless told otherwise."""
        os.environ.setdefault("SVT_LOG", "1")

    def _set(self, context: VideoCodecContext) -> None:
        context.width, context.height = self.size.width, self.size.height
        context.pix_fmt = self.format
        context.time_base = self.time_base
        context.sample_aspect_ratio = self.aspect
        context.color_range = self.tags.range
        context.colorspace = self.tags.matrix
        context.color_primaries = self.tags.primaries
        context.color_trc = self.tags.transfer
        context.thread_count = self.threads
        if self.encoder == "libx264":  # PyAV asks for slices, which cost quality
            context.thread_type = "FRAME"
        if self.codec.name == "ffv1":
            context.gop_size = 1


def settle(coding: Coding, clip: Clip, size: Size, container: Container, threads: int) -> Encoder:
    """Turn what was asked for into an encoder's settings.

    Args:
        coding: what was asked for.
        clip: the source.
        size: of the enlarged frames; a row or column is cut off where the codec needs even sides.
        container: what it is written into.
        threads: to encode with.

    Raises:
        SettingError: no such codec, preset or sample format, a CRF out of range, or a codec that the container does not
            hold.
    """
    from av.codec import Codec as Found

    codec, encoder = by_name(coding.codec)
    if codec.name not in container.films:
        raise SettingError(
            f"{container.title} cannot hold a film in {codec.title}",
            f"write {holding(codec.name)}, or choose --codec {' or '.join(container.films)}",
        )
    takes = [one.name for one in Found(encoder, "w").video_formats or []]
    name = _format(coding, clip, takes, codec)
    options = dict(codec.fixed)
    if coding.crf is not None and codec.crf is None:
        raise SettingError(f"{codec.title} has no CRF", "leave --crf out")
    if codec.crf is not None:
        crf = codec.crf if coding.crf is None else coding.crf
        if not 0 <= crf <= codec.worst:
            raise SettingError(f"the CRF is {crf:g}", f"{codec.title} takes 0 (best) to {codec.worst:g}")
        options["crf"] = f"{crf:g}"
    if coding.preset is not None and not codec.option:
        raise SettingError(f"{codec.title} has no presets", "leave --preset out")
    if coding.preset is not None and coding.preset not in codec.choices:
        raise SettingError(
            f"{codec.title} has no preset {coding.preset!r}", f"from quick to thorough: {_listed(codec.choices)}"
        )
    if codec.option:
        options[codec.option] = coding.preset or codec.effort(coding.quality)
    if encoder == "libx264" and "avx512f" in cpu_flags():
        # Its AVX-512 code (mbtree) reads memory that nobody has written: frames of some widths come out a little
        # different each time, and a resumed film would not be the one made in one go.
        options["x264-params"] = "asm=AVX2"
    if encoder == "libx265":
        options["x265-params"] = "log-level=none"
    columns, rows = halved(name)
    if codec.even:
        size = Size(size.width - size.width % 2 * columns, size.height - size.height % 2 * rows)
    if not size.width or not size.height:
        raise SettingError(
            f"{codec.title} needs at least two rows and columns", "choose --codec ffv1, or a larger size"
        )
    if size.width < codec.narrowest:
        raise SettingError(
            f"{codec.title} is not written with {size.width} columns",
            f"from {codec.narrowest} on it is; or --codec h264",
        )
    shown = min(1.0, _PIXELS / size.pixels)
    return Encoder(
        codec=codec,
        encoder=encoder,
        options=tuple(options.items()),
        format=name,
        size=size,
        rate=clip.rate,
        time_base=clip.time_base,
        tags=clip.tags,
        aspect=clip.aspect,
        siting=clip.siting,
        threads=threads,
        headers=container.headers,
        segment=min(_MOST, max(_FEWEST, round(_SEGMENT * shown * clip.rate))),
    )


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(words) if not words[0].isdecimal() else f"{words[-1]} to {words[0]}"


def _format(coding: Coding, clip: Clip, takes: list[str], codec: Codec) -> str:
    """The sample format of the result."""
    if coding.format is None:
        return working_format(clip.format, takes)
    name = working_format(coding.format, takes) if coding.format in takes else ""
    if name != coding.format:
        able = ", ".join(one for one in takes if working_format(one, takes) == one)
        raise SettingError(f"{codec.title} has no sample format {coding.format!r} here", f"it can be {able}")
    return name
