"""Small video files made by the tests themselves, and what is in a video file."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

from subpixel.types import Size

SIZE = Size(48, 32)
RATE = 25
SRT = "1\n00:00:00,100 --> 00:00:00,400\nOne\n\n2\n00:00:00,500 --> 00:00:00,900\nTwo <i>of</i> two\n\n"


def drawn(count: int, size: Size = SIZE) -> Iterator[NDArray[np.uint8]]:
    """Frames of a pattern that moves, (H, W, 3)."""
    y, x = np.mgrid[: size.height, : size.width]
    for index in range(count):
        disc = (x - 8 - index) ** 2 + (y - size.height // 2) ** 2 < 49
        yield np.stack([x * 4 + index * 2, np.where(disc, 220, 60), (x + y) * 2], -1).clip(0, 255).astype(np.uint8)


def make(
    path: Path,
    *,
    frames: int = 12,
    size: Size = SIZE,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    times: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, RATE),
    sound: Sequence[str] = (),
    sound_codec: str = "aac",
    subtitles: bool = False,
    chapters: bool = False,
    cover: bool = False,
    attachment: bool = False,
    aspect: Fraction | None = None,
    rotation: float | None = None,
    mirrored: bool = False,
    tags: tuple[int, int, int, int] | None = None,
    metadata: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
    format: str | None = None,
) -> Path:
    """Write a clip; `sound` holds the language of each audio track, `tags` range, matrix, primaries, transfer."""
    with av.open(str(path), "w", format=format) as container:
        container.metadata.update(metadata or {})
        film: Any = container.add_stream(codec, rate=RATE, options={"g": "6", **(options or {})})
        film.width, film.height, film.pix_fmt = size.width, size.height, pixels
        film.codec_context.thread_count = 1  # the same file on every computer
        film.codec_context.time_base = time_base
        film.time_base = time_base
        if aspect is not None:
            film.codec_context.sample_aspect_ratio = aspect
        if tags is not None:
            context = film.codec_context
            context.color_range, context.colorspace, context.color_primaries, context.color_trc = tags
        if rotation is not None:
            film.set_display_rotation(rotation, hflip=mirrored)
        tracks: list[Any] = []
        for language in sound:
            track: Any = container.add_stream(
                sound_codec, rate=8000, layout="stereo" if "pcm" in sound_codec else "mono"
            )
            track.metadata["language"] = language
            tracks.append(track)
        text = _add_subtitles(container, path) if subtitles else None
        if attachment:
            container.add_attachment("font.ttf", "application/x-truetype-font", b"not really a font" * 9)
        image: Any = None
        if cover:
            image = container.add_stream("mjpeg", rate=1)
            image.width, image.height, image.pix_fmt = 16, 16, "yuvj420p"
            image.disposition = Disposition.attached_pic
        if chapters:
            base = Fraction(1, 1000)
            container.set_chapters([
                {"id": n, "start": n * 200, "end": n * 200 + 200, "time_base": base, "metadata": {"title": f"Part {n}"}}
                for n in range(2)
            ])  # fmt: skip
        container.start_encoding()
        if cover:
            small = av.VideoFrame.from_ndarray(np.full((16, 16, 3), 90, np.uint8), "rgb24").reformat(format="yuvj420p")
            container.mux([*image.encode(small), *image.encode(None)])
        for packet, where in text or ():
            packet.stream = where
            container.mux(packet)
        length = frames / RATE
        for number, track in enumerate(tracks):
            _sound(container, track, 220 * (number + 1), length)
        moments = times if times is not None else range(frames)
        matrix = 1 if tags is None or tags[1] not in (5, 6, 9) else {5: 5, 6: 5, 9: 9}[tags[1]]
        for pts, picture in zip(moments, drawn(len(moments), size), strict=True):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            if pixels != "rgb24":
                frame = frame.reformat(
                    format=pixels, dst_colorspace=matrix, dst_color_range=tags[0] if tags is not None else 1
                )
            frame.pts, frame.time_base = pts, time_base
            container.mux(film.encode(frame))
        container.mux(film.encode(None))
    return path


def _add_subtitles(container: Any, path: Path) -> list[tuple[Any, Any]]:
    """A subtitle track, and its packets."""
    source = path.with_suffix(".srt")
    source.write_text(SRT, encoding="utf-8")
    with av.open(str(source)) as words:
        made = container.add_stream_from_template(words.streams[0])
        made.metadata["language"] = "deu"
        packets = [(packet, made) for packet in words.demux() if packet.size]
    source.unlink()
    return packets


def _sound(container: Any, track: Any, pitch: int, seconds: float) -> None:
    wave = np.sin(np.arange(int(8000 * seconds)) * (2 * np.pi * pitch / 8000)).astype(np.float32) * 0.3
    for start in range(0, len(wave), 1024):
        part = wave[None, start : start + 1024]
        frame = av.AudioFrame.from_ndarray(part, "fltp", "mono")
        if track.codec_context.format.name != "fltp":
            layout = track.codec_context.layout.name
            both = np.repeat((part * 32767).astype(np.int16), track.codec_context.layout.nb_channels, 1)
            frame = av.AudioFrame.from_ndarray(both, "s16", layout)
        frame.rate, frame.pts = 8000, start
        container.mux(track.encode(frame))
    container.mux(track.encode(None))


def packets(path: Path) -> dict[int, list[tuple[int | None, int, int]]]:
    """Of each stream: timestamp, size and checksum of its packets, in order."""
    found: dict[int, list[tuple[int | None, int, int]]] = {}
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.size:
                row = (packet.pts, packet.size, zlib.crc32(bytes(packet)))
                found.setdefault(packet.stream_index, []).append(row)
    return found


def sums(path: Path, kind: str) -> list[list[tuple[int, int]]]:
    """Size and checksum of the packets of every stream of a kind."""
    with av.open(str(path)) as container:
        indices = [stream.index for stream in container.streams if stream.type == kind]
    every = packets(path)
    return [[row[1:] for row in every.get(index, [])] for index in indices]


def times(path: Path) -> list[Fraction]:
    """When each frame of the film is shown, in seconds."""
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]  # type: ignore[operator]


def luma(path: Path) -> list[NDArray[Any]]:
    """Luma of every frame of the film."""
    from subpixel.video.clips import probe
    from subpixel.video.conversion import plain, to_planes

    clip = probe(path)
    with av.open(str(path)) as container:
        return [
            to_planes(frame, plain(frame.format.name), clip.size, clip.tags).y.copy()
            for frame in container.decode(video=0)
        ]
