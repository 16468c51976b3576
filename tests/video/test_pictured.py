"""Numbered pictures, GIF and animated WebP: in, out, and across."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subpixel import Upscaler, image
from subpixel.errors import (
    Cancelled,
    OutputExists,
    OutputUnwritable,
    PictureMissing,
    PictureUnreadable,
    SettingError,
    SubpixelError,
)
from subpixel.plan import Target
from subpixel.types import Metadata, Picture
from subpixel.video import encoding
from subpixel.video.animations import AnimationSink
from subpixel.video.colour import upright
from subpixel.video.encoding import Coding
from subpixel.video.films import Wishes
from subpixel.video.flow import Timed
from subpixel.video.oneline import open_film
from subpixel.video.pictured import PictureFilm, is_pictures
from subpixel.video.planes import Coloured
from subpixel.video.reading import Span
from subpixel.video.sequences import Pattern

from . import films
from .clips import frame


@pytest.fixture(scope="module")
def swift() -> Iterator[Upscaler]:
    with Upscaler("swift", threads=1) as upscaler:
        yield upscaler


def pixels(index: int, channels: int = 3, width: int = 48, height: int = 32) -> np.ndarray:
    """A moving spot on a slope, few colours, so that GIF holds it as it is."""
    made = np.zeros((height, width, channels), np.uint8)
    made[..., 0] = np.arange(width) // 8 * 40
    made[..., -1] = 255
    made[8:16, 4 * index : 4 * index + 8, 0] = 250
    return made


def numbered(folder: Path, count: int = 5, first: int = 1, **kinds: int) -> Path:
    for index in range(count):
        metadata = Metadata(dpi=(300.0, 300.0))
        image.write(Picture(pixels(index, **kinds)[None], metadata), folder / f"in_{first + index:04}.png")
    return folder / "in_%04d.png"


def animated(path: Path, count: int = 5, delays: tuple[int, ...] = (50, 120, 30, 200, 70), channels: int = 3) -> Path:
    frames = np.stack([pixels(index, channels) for index in range(count)])
    image.write(Picture(frames, Metadata(delays=delays[:count], loop=3)), path, lossless=path.suffix == ".webp" or None)
    return path


def clip(path: Path, times: list[int], **tags: int) -> Path:
    """A film at a millisecond's ticks."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1" if path.suffix == ".mkv" else "libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.time_base = 64, 48, "yuv420p", Fraction(1, 1000)
        stream.codec_context.time_base = Fraction(1, 1000)
        for index, pts in enumerate(times):
            planes = frame(at=index)
            flat = np.concatenate([plane.ravel() for plane in (planes.y, planes.u, planes.v) if plane is not None])
            made = av.VideoFrame.from_ndarray(flat.reshape(72, 64), "yuv420p")
            made.pts, made.time_base = pts, Fraction(1, 1000)
            container.mux(stream.encode(made))
        container.mux(stream.encode())
    return path


def make(source: Path, target: Path, upscaler: Upscaler, *, rate: Fraction | None = None, scale: float = 2, **wishes):
    return open_film(source, target, upscaler, Wishes(Target(scale), **wishes), rate).make()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_numbered_pictures_are_each_as_upscaled_alone(channels: int, swift: Upscaler, tmp_path: Path) -> None:
    source = numbered(tmp_path, first=7, channels=channels)
    result = make(source, tmp_path / "out_%03d.png", swift)
    assert (result.frames, result.resumed, str(result.after)) == (5, 0, "96×64")
    for index in range(5):
        made = image.read(tmp_path / f"out_{7 + index:03}.png")
        wanted = swift.picture(image.read(tmp_path / f"in_{7 + index:04}.png"), Target(2)).picture
        assert np.array_equal(made.pixels, wanted.pixels)
        assert made.metadata.dpi == wanted.metadata.dpi
    assert not (tmp_path / "out_012.png").exists()
    assert result.bytes == sum(path.stat().st_size for path in tmp_path.glob("out_*"))


def test_stopped_and_gone_on_with(swift: Upscaler, tmp_path: Path) -> None:
    source, target = numbered(tmp_path), tmp_path / "out_%d.png"
    stop = threading.Event()
    film = PictureFilm(source, target, swift, Wishes(Target(2)))
    with pytest.raises(Cancelled):
        film.make(progress=lambda at: stop.set() if at.done == 2 else None, cancel=stop)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("out_*")}
    assert 1 <= len(before) <= 3
    with pytest.raises(OutputExists, match="--resume"):
        make(source, target, swift)
    result = make(source, target, swift, resume=True)
    assert result.frames == 5 and result.resumed == len(before)
    assert len(list(tmp_path.glob("out_*"))) == 5
    for name, data in before.items():
        assert (tmp_path / name).read_bytes() == data


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
@pytest.mark.parametrize("channels", [3, 4])
def test_animations_keep_times_loop_and_pixels(suffix: str, channels: int, swift: Upscaler, tmp_path: Path) -> None:
    source = animated(tmp_path / f"in{suffix}", channels=channels)
    result = make(source, tmp_path / f"out{suffix}", swift)
    made = image.read(tmp_path / f"out{suffix}")
    assert result.frames == made.frames == 5
    assert made.metadata.delays == (50, 120, 30, 200, 70) and made.metadata.loop == 3
    alone = swift.picture(image.read(source), Target(2)).picture
    if suffix == ".webp":
        assert np.array_equal(made.pixels, alone.pixels)
    image.write(alone, tmp_path / f"alone{suffix}")
    assert np.array_equal(made.pixels, image.read(tmp_path / f"alone{suffix}").pixels)


def test_across_from_gif_to_webp(swift: Upscaler, tmp_path: Path) -> None:
    make(animated(tmp_path / "in.gif"), tmp_path / "out.webp", swift)
    assert image.read(tmp_path / "out.webp").metadata.delays == (50, 120, 30, 200, 70)


def test_film_to_animation_does_not_drift(swift: Upscaler, tmp_path: Path) -> None:
    times = [round(index * 1000 / 30) for index in range(12)]
    result = make(clip(tmp_path / "in.mkv", times), tmp_path / "out.gif", swift)
    delays = image.read(tmp_path / "out.gif").metadata.delays
    assert result.frames == 12 and set(delays) <= {30, 40}
    assert abs(sum(delays) - 400) <= 10


@given(gaps=st.lists(st.integers(1, 300), min_size=1, max_size=30), step=st.sampled_from([".gif", ".webp"]))
def test_frames_are_shown_when_they_should(gaps: list[int], step: str) -> None:
    sink = AnimationSink(Path(f"nothing{step}"), Fraction(1, 1000), Fraction(25))
    pts, kept = 0, []
    for gap in gaps:
        sink.add(Timed(Coloured(np.zeros((2, 2, 3), np.uint8)), pts, gap))
        kept.append(pts)
        pts += gap
    begins = sink._begins
    assert begins[0] == 0 and all(later - sooner >= 20 for sooner, later in pairwise(begins))
    assert len(begins) + sink._left_out == len(gaps)
    assert all(min(abs(begin - pts) for pts in kept) <= 5 for begin in begins)


def test_film_to_numbered_pictures(swift: Upscaler, tmp_path: Path) -> None:
    from subpixel.video.colour import to_coloured
    from subpixel.video.frames import FrameUpscaler

    source = clip(tmp_path / "in.mkv", [0, 40, 80, 120])
    result = make(source, tmp_path / "f_%05d.png", swift, span=Span(Fraction(2, 25)))
    assert result.frames == 2
    with FrameUpscaler(swift, Target(2)) as frames:
        for number, at in ((1, 2), (2, 3)):
            wanted = to_coloured(frames.upscale(frame(at=at))).pixels
            assert np.array_equal(image.read(tmp_path / f"f_{number:05}.png").pixels[0], wanted)


@pytest.mark.parametrize("name", ["in_%04d.png", "in.gif", "in.webp"])
@pytest.mark.parametrize("target", ["out.mp4", "out.mkv"])
def test_pictures_to_a_film(name: str, target: str, swift: Upscaler, tmp_path: Path) -> None:
    source = numbered(tmp_path) if "%" in name else animated(tmp_path / name)
    coding = Coding(codec="ffv1") if target.endswith("mkv") else Coding()
    rate = Fraction(12) if "%" in name else None
    result = make(source, tmp_path / target, swift, rate=rate, coding=coding)
    assert result.frames == 5 and result.bytes == (tmp_path / target).stat().st_size
    with av.open(str(tmp_path / target)) as container:
        frames = list(container.decode(video=0))
        assert len(frames) == 5 and (frames[0].width, frames[0].height) == (96, 64)
        starts = [round(frame.time * 1000) for frame in frames]
        wanted = [round(index * 1000 / 12) for index in range(5)] if "%" in name else [0, 50, 170, 200, 400]
        assert all(abs(one - other) <= 1 for one, other in zip(starts, wanted, strict=True))
        assert frames[0].colorspace == 1 and frames[0].color_range == 1
        if target.endswith("mkv"):
            rgb = frames[0].reformat(format="rgb24", src_colorspace=1, dst_color_range=2).to_ndarray().astype(float)
            first = swift.upscale(pixels(0), scale=2).astype(float)
            assert np.abs(rgb - first).mean() < 6  # halved chroma of a hard edge
    assert not list(tmp_path.glob(".*partial"))


def test_nothing_is_left_of_a_film_that_was_stopped(swift: Upscaler, tmp_path: Path) -> None:
    stop = threading.Event()
    film = open_film(numbered(tmp_path), tmp_path / "out.mp4", swift, Wishes(Target(2)))
    with pytest.raises(Cancelled):
        film.make(progress=lambda _: stop.set(), cancel=stop)
    assert not [path for path in tmp_path.iterdir() if not path.name.startswith("in_")]


@pytest.mark.parametrize("name", ["in_%04d.png", "in.gif"])
def test_pictures_to_a_film_go_on_where_they_stopped(
    name: str, swift: Upscaler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "_SEGMENT", 0)
    monkeypatch.setattr(encoding, "_FEWEST", 3)
    delays = tuple(range(30, 130, 10))
    source = numbered(tmp_path, 10) if "%" in name else animated(tmp_path / name, 10, delays)
    make(source, tmp_path / "whole.mp4", swift)
    stop = threading.Event()
    with pytest.raises(Cancelled):
        open_film(source, tmp_path / "out.mp4", swift, Wishes(Target(2))).make(
            progress=lambda at: stop.set() if at.done == 8 else None, cancel=stop
        )
    result = make(source, tmp_path / "out.mp4", swift, resume=True)
    assert (result.frames, result.resumed) == (10, 6)
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_parts_of_pictures(swift: Upscaler, tmp_path: Path) -> None:
    source = numbered(tmp_path, first=3)
    result = make(
        source, tmp_path / "o_%d.png", swift, rate=Fraction(10), span=Span(Fraction(15, 100), Fraction(3, 10))
    )
    assert result.frames == 2  # the second is on show from 0.1 to 0.2 s
    assert sorted(path.name for path in tmp_path.glob("o_*")) == ["o_4.png", "o_5.png"]
    gif = animated(tmp_path / "in.gif")  # delays 50, 120, 30, 200, 70
    make(gif, tmp_path / "out.webp", swift, span=Span(Fraction(1, 10), Fraction(3, 10)))
    assert image.read(tmp_path / "out.webp").metadata.delays == (70, 30, 100)


def test_films_say_what_pictures_of_them_lack(swift: Upscaler, tmp_path: Path) -> None:
    clear = films.make(tmp_path / "a.mkv", frames=2, codec="ffv1", pixels="yuva420p", options={"g": "1"})
    assert make(clear, tmp_path / "o_%d.png", swift).notes == ("transparency cannot be kept",)
    made = make(animated(tmp_path / "in.webp", channels=4), tmp_path / "o.mp4", swift)
    assert "transparency cannot be kept" in made.notes
    light = films.make(tmp_path / "b.mkv", frames=2, pixels="yuv420p10le", tags=(1, 9, 9, 16))
    assert any("HDR" in note for note in make(light, tmp_path / "p_%d.png", swift).notes)


def test_bad_input_is_one_line(swift: Upscaler, tmp_path: Path) -> None:
    source = numbered(tmp_path)
    wrong: list[tuple[Path, Path, type[SubpixelError], str, dict[str, object]]] = [
        (tmp_path / "no_%04d.png", tmp_path / "o_%d.png", PictureMissing, "no file goes by", {}),
        (tmp_path / "in_%05d.png", tmp_path / "o_%d.png", PictureMissing, "no file goes by", {}),
        (source, source, OutputUnwritable, "is the input", {}),
        (source, tmp_path / "no" / "o_%d.png", OutputUnwritable, "no folder", {}),
        (source, tmp_path / "o_%d.xyz", SettingError, "no format goes by", {}),
        (source, tmp_path / "o_%d_%d.png", SettingError, "where the number goes", {}),
        (source, tmp_path / "o.gif", SettingError, "cannot be gone on with", {"resume": True}),
        (
            source,
            tmp_path / "o.mp4",
            PictureUnreadable,
            "no picture from 1 s on: they last 0.2 s at 25",
            {"span": Span(Fraction(1))},
        ),
        (
            source,
            tmp_path / "o.gif",
            SettingError,
            "the codec is hevc, and .*o.gif is pictures",
            {"coding": Coding("hevc")},
        ),
        (source, tmp_path / "o_%d.png", SettingError, "the CRF is 20, and ", {"coding": Coding(crf=20)}),
        (source, tmp_path / "o.mp4", SettingError, "--deinterlace on was given", {"deinterlace": "on"}),
    ]
    for one, other, kind, said, wishes in wrong:
        with pytest.raises(kind, match=said):
            make(one, other, swift, **wishes)
    (tmp_path / "in_0003.png").unlink()
    with pytest.raises(PictureMissing, match=r"in_0003.png is missing"):
        make(source, tmp_path / "o_%d.png", swift)
    gif = animated(tmp_path / "in.gif")
    with pytest.raises(SettingError, match="the rate is 5"):
        make(gif, tmp_path / "o.mp4", swift, rate=Fraction(5))
    with pytest.raises(OutputUnwritable, match="is the input"):
        make(gif, gif, swift, overwrite=True)


def test_too_long_for_an_animation_is_said_before(swift: Upscaler, tmp_path: Path, monkeypatch) -> None:
    source = clip(tmp_path / "in.mkv", [0, 40, 80])
    monkeypatch.setattr("subpixel.video.animations.memory_limit", lambda: 100_000)
    with pytest.raises(SettingError, match=r"write \.mp4"):
        make(source, tmp_path / "out.gif", swift)


def test_names() -> None:
    assert is_pictures("a_%05d.png") and is_pictures("b.GIF") and is_pictures("c.webp")
    assert not is_pictures("d.mp4") and not is_pictures("100%.mkv")
    assert Pattern("x/f_%03d.png").path(12) == Path("x/f_012.png")
    with pytest.raises(SettingError):
        Pattern("f.png")


@pytest.mark.parametrize(
    ("display", "turned"),
    [
        (None, [[1, 2], [3, 4], [5, 6]]),
        ((0, 1, 0, -1, 0), [[5, 3, 1], [6, 4, 2]]),  # a quarter to the right
        ((0, -1, 0, 1, 0), [[2, 4, 6], [1, 3, 5]]),
        ((-1, 0, 0, 0, -1), [[6, 5], [4, 3], [2, 1]]),
        ((-1, 0, 0, 0, 1), [[2, 1], [4, 3], [6, 5]]),  # mirrored
    ],
)
def test_upright(display: tuple[int, ...] | None, turned: list[list[int]]) -> None:
    small = np.array([[1, 2], [3, 4], [5, 6]], np.uint8)[:, :, None]
    assert upright(Coloured(small), display).pixels[:, :, 0].tolist() == turned
