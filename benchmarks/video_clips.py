"""Clips to measure with, drawn by arithmetic: a screen recording, a cartoon, a moving photograph, a test picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from subpixel import image
from subpixel.measure.lettering import line as set_line

WIDTH, HEIGHT, RATE = 640, 360, 25
SCENE = Path(__file__).parent.parent / "examples" / "scene.png"

Frames = Iterator[NDArray[np.uint8]]

_TEXT = (
    "Streaming: decode, upscale and encode run at the same time, in bounded queues, so that memory stays constant "
    "however long the film is. Every other stream is copied untouched: all audio tracks, subtitles, chapters. "
    "Where a tile of the new frame equals the last one, its result is reused, and nothing is computed twice. "
)


def screen(count: int, width: int = WIDTH, height: int = HEIGHT) -> Frames:
    """Text that is typed, a pointer that moves now and then, a page that scrolls every two seconds."""
    page = np.full((height * 3, width, 3), 250, np.uint8)
    page[:, :120] = (36, 41, 52)
    for row in range(0, page.shape[0] - 24, 22):
        _write(page, f"{row // 22 + 1:3d}  entry", row + 4, 12, 210)
        if row > 150:
            at = row * 7 % 200
            _write(page, (_TEXT * 2)[at : at + 62], row + 4, 132, 30)
    for index in range(count):
        top = index // 50 * 66
        frame = page[top : top + height].copy()
        typed = _TEXT[: index // 2]
        frame[30:110, 132:620] = 255
        for line, start in enumerate(range(0, len(typed) + 1, 60)):
            _write(frame, typed[start : start + 60], 36 + 22 * line, 140, 20)
        if index // 12 % 2:
            frame[36 + 22 * (len(typed) // 60) : 54 + 22 * (len(typed) // 60), 600:602] = 20
        moving = min(index % 40, 15)
        x, y = 200 + 9 * moving, 180 + 5 * moving
        for step in range(12):
            frame[y + step, x : x + step // 2 + 1] = 0
        yield frame


def cartoon(count: int, width: int = WIDTH, height: int = HEIGHT) -> Frames:
    """Flat colours with outlines; one figure moves, on every second frame."""
    rows, columns = np.mgrid[0:height, 0:width]
    back = np.empty((height, width, 3), np.uint8)
    back[:] = (126, 196, 232)
    for level, reach, colour in ((210, 60, (98, 160, 84)), (270, 40, (70, 128, 62)), (320, 14, (196, 168, 110))):
        line = level + reach * np.sin(columns / (90 + reach) + level)
        back[rows > line] = colour
        back[np.abs(rows - line) < 2] = (30, 40, 30)
    sun = np.hypot(columns - 520, rows - 70)
    back[sun < 40] = (250, 226, 120)
    back[np.abs(sun - 40) < 1.6] = (60, 50, 20)
    for index in range(count):
        step = index // 2
        frame = back.copy()
        x, y = 60 + 9 * step % 520, 230 - abs(18 * np.sin(step / 3))
        for dx, dy, size, colour in (
            (0, 0, 34, (226, 92, 76)),
            (18, -34, 22, (244, 206, 170)),
            (25, -38, 4, (20, 20, 20)),
        ):
            far = np.hypot(columns - x - dx, rows - y - dy)
            frame[far < size] = colour
            frame[np.abs(far - size) < 1.5] = (20, 20, 20)
        yield frame


def filmed(count: int, width: int = WIDTH, height: int = HEIGHT) -> Frames:
    """A photograph that moves through the picture, with the grain of a camera."""
    small = image.read(SCENE).pixels[0, :, :, :3]
    across, down = width // 320 + 2, height // 213 + 2
    wide = np.concatenate([small[:, :: -1 if place % 2 else 1] for place in range(across)], axis=1)
    large = np.concatenate([wide[:: -1 if place % 2 else 1] for place in range(down)], axis=0)
    grain = np.random.default_rng(1)
    for index in range(count):
        y, x = 20 + 3 * index // 4 % 200, 10 + 5 * index // 3 % 300
        frame = large[y : y + height, x : x + width] + grain.normal(0, 2.5, (height, width, 1))
        yield np.clip(np.round(frame), 0, 255).astype(np.uint8)


def pattern(count: int, width: int = WIDTH, height: int = HEIGHT) -> Frames:
    """FFmpeg's testsrc2."""
    graph = av.filter.Graph()
    source = graph.add("testsrc2", f"size={width}x{height}:rate={RATE}")
    sink = graph.add("buffersink")
    source.link_to(sink)
    graph.configure()
    for _ in range(count):
        yield graph.vpull().to_ndarray(format="rgb24")


CLIPS: dict[str, Callable[..., Frames]] = {
    "screen recording": screen,
    "cartoon": cartoon,
    "filmed": filmed,
    "testsrc2": pattern,
}


def write(
    name: str,
    count: int,
    path: Path,
    *,
    width: int = WIDTH,
    height: int = HEIGHT,
    rate: int = RATE,
    fields: bool = False,
) -> None:
    """A clip as a camera or screen recorder would leave it: H.264, 4:2:0, BT.709; `fields`: marked as interlaced."""
    options = {"crf": "20", "preset": "medium", **({"x264-params": "bff=1"} if fields else {})}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = 1, 1
        for index, pixels in enumerate(CLIPS[name](count, width, height)):
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format="yuv420p", dst_colorspace=1)
            frame.pts, frame.time_base = index, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _write(page: NDArray[np.uint8], text: str, top: int, left: int, ink: int) -> None:
    """A line of text into `page`."""
    line = set_line(text, 16)
    height, width = min(line.shape[0], page.shape[0] - top), min(line.shape[1], page.shape[1] - left)
    place = page[top : top + height, left : left + width]
    share = line[:height, :width, None] / 255
    place[:] = np.round(place * (1 - share) + ink * share).astype(np.uint8)
