"""A film goes through: its frames are those of frame-by-frame upscaling, everything else is as it was."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from subpixel import video
from subpixel.plan import Target
from subpixel.types import Size
from subpixel.upscaler import Upscaler
from subpixel.video.assembly import enlarged
from subpixel.video.clips import probe
from subpixel.video.films import Film, Wishes
from subpixel.video.frames import FrameUpscaler
from tests.video import films

TRIPLE = Size(films.SIZE.width * 3, films.SIZE.height * 3)


def _psnr(one: np.ndarray, two: np.ndarray) -> float:
    error = float(np.mean((one.astype(np.float64) - two) ** 2))
    return 99.0 if error == 0 else 10 * np.log10(255**2 / error)


def _expected(source: Path, upscaler: Upscaler, scale: float) -> list[np.ndarray]:
    """Luma of every frame, each upscaled for itself."""
    film = Film(source, source.with_name("nothing.mkv"), upscaler, Wishes(Target(scale)))
    with FrameUpscaler(upscaler, Target(scale), reuse=False) as enlarger:
        return [enlarger.upscale(timed.frame).y.copy() for timed in film.source().frames()]


def test_frames_are_those_of_frame_by_frame_upscaling(tmp_path: Path, swift: Upscaler) -> None:
    source = films.make(tmp_path / "a.mp4")
    expected = _expected(source, swift, 3)
    lossless = video.upscale(source, tmp_path / "b.mkv", scale=3, upscaler=swift, codec="ffv1")
    assert (lossless.frames, lossless.after) == (12, TRIPLE)
    made = films.luma(tmp_path / "b.mkv")
    assert len(made) == len(expected) == 12
    for one, two in zip(made, expected, strict=True):
        np.testing.assert_array_equal(one, two)
    video.upscale(source, tmp_path / "c.mp4", scale=3, upscaler=swift)
    for one, two in zip(films.luma(tmp_path / "c.mp4"), expected, strict=True):
        assert _psnr(one, two) > 40


def test_a_larger_film_is_better_than_bicubic(tmp_path: Path, swift: Upscaler) -> None:
    """The luma that comes out is near the picture way's: the same network on the same luma."""
    import subpixel

    source = films.make(tmp_path / "a.mp4", frames=2, options={"crf": "1"})
    video.upscale(source, tmp_path / "b.mkv", scale=3, upscaler=swift, codec="ffv1")
    with av.open(str(source)) as before, av.open(str(tmp_path / "b.mkv")) as after:
        for small, large in zip(before.decode(video=0), after.decode(video=0), strict=True):
            picture = swift.upscale(small.to_ndarray(format="rgb24", interpolation="BICUBIC"), scale=3)
            film = large.to_ndarray(format="rgb24", interpolation="BICUBIC")
            assert _psnr(subpixel.measure.luma(picture), subpixel.measure.luma(film)) > 35


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_everything_else_is_copied(tmp_path: Path, swift: Upscaler, suffix: str) -> None:
    matroska = suffix == ".mkv"
    source = films.make(
        tmp_path / f"a{suffix}", sound=("eng", "fra"), subtitles=matroska, chapters=True, cover=suffix == ".mp4",
        attachment=matroska, metadata={"title": "A film", "comment": "ours"},
    )  # fmt: skip
    target = tmp_path / f"b{suffix}"
    video.upscale(source, target, scale=3, upscaler=swift)
    with av.open(str(source)) as before, av.open(str(target)) as after:
        assert [stream.type for stream in after.streams] == [stream.type for stream in before.streams]
        for one, two in zip(before.streams, after.streams, strict=True):
            assert (one.language, one.disposition) == (two.language, two.disposition)
        said = {key.lower(): value for key, value in after.metadata.items()}
        assert {key: said[key] for key in ("title", "comment")} == {"title": "A film", "comment": "ours"}
        assert [
            (chapter["start"] * chapter["time_base"], chapter["metadata"]["title"]) for chapter in after.chapters()
        ] == [(chapter["start"] * chapter["time_base"], chapter["metadata"]["title"]) for chapter in before.chapters()]
        assert len(after.chapters()) == 2
        assert abs(before.duration - after.duration) <= 10_000
        if matroska:
            assert after.streams.attachments[0].data == before.streams.attachments[0].data
            assert after.streams.attachments[0].name == "font.ttf"
    assert films.times(target) == films.times(source)
    old, new = films.packets(source), films.packets(target)
    assert old.keys() == new.keys()
    assert all(new[index] == old[index] for index in old if index != 0)  # timestamps, sizes, checksums
    assert len(old[1]) > 3


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_variable_frame_rate_is_exact(tmp_path: Path, swift: Upscaler, suffix: str) -> None:
    moments = [0, 40, 47, 130, 131, 400, 420, 500, 1500, 1510, 1600]
    source = films.make(tmp_path / f"a{suffix}", times=moments, time_base=Fraction(1, 1000))
    target = tmp_path / f"b{suffix}"
    video.upscale(source, target, scale=3, upscaler=swift)
    assert films.times(target) == [Fraction(moment, 1000) for moment in moments]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_shape_of_samples_and_rotation_are_kept(tmp_path: Path, swift: Upscaler, suffix: str) -> None:
    source = films.make(tmp_path / f"a{suffix}", frames=3, aspect=Fraction(16, 11), rotation=90)
    target = tmp_path / f"b{suffix}"
    video.upscale(source, target, scale=3, upscaler=swift)
    before, after = probe(source), probe(target)
    assert before.aspect == after.aspect == Fraction(16, 11)
    assert before.display is not None and after.display is not None
    assert before.display[:6] == after.display[:6]
    with av.open(str(target)) as container:
        assert next(container.decode(video=0)).rotation == 90


@pytest.mark.parametrize(
    ("pixels", "tags"),
    [
        ("yuv420p", (1, 6, 6, 6)),
        ("yuv420p", (1, 5, 5, 6)),
        ("yuv420p", (1, 1, 1, 1)),
        ("yuv420p", (2, 1, 1, 13)),
        ("yuv422p", (1, 6, 6, 6)),
        ("yuv444p", (2, 6, 6, 6)),
        ("yuv420p10le", (1, 9, 9, 16)),
        ("yuv422p10le", (2, 1, 1, 1)),
        ("gray", (2, 6, 6, 6)),
    ],
)
def test_colour_means_the_same(tmp_path: Path, swift: Upscaler, pixels: str, tags: tuple[int, int, int, int]) -> None:
    source = films.make(tmp_path / "a.mp4", frames=2, pixels=pixels, tags=tags, options={"crf": "4"})
    target = tmp_path / "b.mp4"
    video.upscale(source, target, scale=3, upscaler=swift, crf=4)
    before, after = probe(source), probe(target)
    said = (after.tags.range, after.tags.matrix, after.tags.primaries, after.tags.transfer)
    assert said == tags
    assert before.format.replace("yuvj", "yuv") == after.format.replace("yuvj", "yuv")
    with av.open(str(source)) as one, av.open(str(target)) as two:
        small = next(one.decode(video=0)).to_ndarray(format="rgb24").reshape(-1, 3).mean(0)
        large = next(two.decode(video=0)).to_ndarray(format="rgb24").reshape(-1, 3).mean(0)
    np.testing.assert_allclose(small, large, atol=1.5)


@pytest.mark.parametrize(("suffix", "kept"), [(".mp4", True), (".mkv", False), (".ts", False)])
def test_mirrored_frames(tmp_path: Path, swift: Upscaler, suffix: str, kept: bool) -> None:
    source = films.make(tmp_path / "a.mp4", frames=2, rotation=90, mirrored=True)
    target = tmp_path / f"b{suffix}"
    made = video.upscale(source, target, scale=2, upscaler=swift)
    before, after = probe(source), probe(target)
    assert before.turned == "mirroring"
    if kept:
        assert before.display is not None and after.display is not None
        assert after.display[:6] == before.display[:6]
        assert not made.notes
    else:
        assert any(note.startswith("mirroring cannot be kept in M") for note in made.notes)


def test_what_moves_a_frame_grows_with_it() -> None:
    assert enlarged((0, 65536, 0, -65536, 0, 0, 48 << 16, 0, 1 << 30), 3)[6:] == (144 << 16, 0, 1 << 30)


def test_packets_of_all_streams_stand_side_by_side(tmp_path: Path, swift: Upscaler) -> None:
    """Players read a file from front to back: what belongs together must not be far apart in it."""
    source = films.make(tmp_path / "a.mkv", frames=30, sound=("eng",), subtitles=True)
    video.upscale(source, tmp_path / "b.mkv", scale=2, upscaler=swift)
    with av.open(str(tmp_path / "b.mkv")) as made:
        times = [packet.dts * packet.time_base for packet in made.demux() if packet.dts is not None]
    assert len(times) > 40
    assert max(before - after for before, after in pairwise(times)) < Fraction(15, 100)


def _mean(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        mean: np.ndarray = next(container.decode(video=0)).to_ndarray(format="rgb24").reshape(-1, 3).mean(0)
    return mean


@pytest.mark.parametrize("pixels", ["gray", "gray10le"])
@pytest.mark.parametrize("codec", ["ffv1", "h264"])
def test_grey_that_does_not_say_its_range_is_full(tmp_path: Path, swift: Upscaler, pixels: str, codec: str) -> None:
    """FFmpeg's rule for grey alone; taken for limited range it would get more contrast."""
    source = films.make(tmp_path / "a.mkv", frames=2, codec="ffv1", pixels=pixels, options={"g": "1"})
    assert probe(source).tags.full
    video.upscale(source, tmp_path / "b.mkv", scale=2, upscaler=swift, codec=codec, crf=4 if codec == "h264" else None)
    np.testing.assert_allclose(_mean(source), _mean(tmp_path / "b.mkv"), atol=1.5)


def test_bits_that_are_lost_are_said(tmp_path: Path, swift: Upscaler) -> None:
    source = films.make(tmp_path / "a.mkv", frames=2, codec="ffv1", pixels="yuv420p12le", options={"g": "1"})
    assert (
        "12 bits a sample become 10 in H.264"
        in video.upscale(source, tmp_path / "b.mkv", scale=2, upscaler=swift).notes
    )
    assert not video.upscale(source, tmp_path / "c.mkv", scale=2, upscaler=swift, codec="ffv1").notes


def test_transparency_of_webm_is_said_and_not_promised(tmp_path: Path, swift: Upscaler) -> None:
    source = films.make(tmp_path / "a.webm", frames=2, codec="libvpx-vp9", pixels="yuva420p")
    assert probe(source).lost == ("transparency",)
    made = video.upscale(source, tmp_path / "b.webm", scale=2, upscaler=swift, preset="8")
    assert "transparency cannot be kept" in made.notes
    with av.open(str(tmp_path / "b.webm")) as container:
        assert "alpha_mode" not in {key.lower() for key in container.streams.video[0].metadata}


def _chroma_stands(path: Path) -> tuple[int, ...]:
    """Of the first track of a Matroska file: across and down, 1 beside the first sample, 2 in the middle."""
    data = path.read_bytes()
    found = [data.find(name) for name in (b"\x55\xb7\x81", b"\x55\xb8\x81")]
    return tuple(data[place + 3] for place in found if place >= 0)


def test_where_chroma_stands_is_said(tmp_path: Path, swift: Upscaler) -> None:
    """H.264 that does not say it is taken for having it beside the left samples; in JPEG it is in the middle."""
    jpeg = films.make(tmp_path / "a.mkv", frames=2, codec="mjpeg", pixels="yuvj420p")
    video.upscale(jpeg, tmp_path / "b.mkv", scale=2, upscaler=swift)
    assert _chroma_stands(tmp_path / "b.mkv") == (2, 2)
    video.upscale(films.make(tmp_path / "c.mkv", frames=2), tmp_path / "d.mkv", scale=2, upscaler=swift)
    assert _chroma_stands(tmp_path / "d.mkv") in ((), (1, 2))
