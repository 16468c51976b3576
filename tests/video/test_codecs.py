"""Every codec and container there is, and what each of them cannot do."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from subpixel import video
from subpixel.errors import SettingError
from subpixel.plan import Target
from subpixel.types import Size
from subpixel.upscaler import Upscaler
from subpixel.video import codecs
from subpixel.video.clips import probe
from subpixel.video.containers import CONTAINERS, Container
from subpixel.video.films import Film, Wishes
from tests.video import films


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [("h264", ".ts"), ("hevc", ".mp4"), ("av1", ".mkv"), ("vp9", ".webm"), ("prores", ".mov"), ("ffv1", ".mkv")],
)
def test_every_codec_writes_the_film(tmp_path: Path, swift: Upscaler, codec: str, suffix: str) -> None:
    if codec not in codecs.there():
        pytest.skip(f"this build of FFmpeg has no encoder for {codec}")
    source = films.make(tmp_path / "a.mkv", size=Size(60, 48), frames=8, aspect=Fraction(4, 3), tags=(1, 1, 1, 1))
    target = tmp_path / f"b{suffix}"
    made = video.upscale(source, target, scale=2, upscaler=swift, codec=codec, quality="fast")
    after = probe(target)
    assert (after.codec, after.size, made.frames) == (codec, Size(120, 96), 8)
    assert after.aspect == Fraction(4, 3)
    assert (after.tags.range, after.tags.matrix) == (1, 1)
    start = after.origin
    assert [round((time - start) * 1000) for time in films.times(target)] == [index * 40 for index in range(8)]


@pytest.mark.parametrize("row", codecs.CODECS, ids=lambda row: row.name)
@pytest.mark.parametrize("container", CONTAINERS, ids=lambda container: container.muxer)
def test_a_container_holds_a_codec_or_says_so(
    tmp_path: Path, swift: Upscaler, row: codecs.Codec, container: Container
) -> None:
    """FFmpeg writes into MPEG-TS what nobody can read there."""
    if row.name not in codecs.there():
        pytest.skip(f"this build of FFmpeg has no encoder for {row.name}")
    source, target = films.make(tmp_path / "a.mp4", frames=2), tmp_path / f"b{container.suffixes[0]}"
    if row.name in container.films:
        preset = row.effort("fast") if row.option else None
        video.upscale(source, target, scale=2, upscaler=swift, codec=row.name, preset=preset)
        assert probe(target).codec == row.name
    else:
        with pytest.raises(SettingError, match=f"{container.title} cannot hold a film in {row.title}: write ."):
            video.upscale(source, target, scale=2, upscaler=swift, codec=row.name)


@pytest.mark.parametrize(("sound", "suffix"), [("flac", ".ts"), ("pcm_s16le", ".ts"), ("pcm_s16le", ".mp4")])
def test_sound_that_cannot_be_held_is_refused_before_the_work(
    tmp_path: Path, swift: Upscaler, sound: str, suffix: str
) -> None:
    """MP4 refuses this PCM only when the file is closed, MPEG-TS never."""
    source = films.make(tmp_path / "a.mkv", frames=4, sound=("eng",), sound_codec=sound)
    with pytest.raises(SettingError, match=rf"stream 1 \(audio, {sound}, eng\).*--drop"):
        Film(source, tmp_path / f"b{suffix}", swift, Wishes(Target(2)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mkv"]


@pytest.mark.parametrize(("name", "codec"), [("x265", "hevc"), ("H264", "h264"), ("svt-av1", "av1")])
def test_other_names_of_codecs(name: str, codec: str) -> None:
    assert codecs.by_name(name)[0].name == codec


def test_webm_is_vp9_unless_asked(tmp_path: Path, swift: Upscaler) -> None:
    source = films.make(tmp_path / "a.mp4", frames=2)
    assert video.upscale(source, tmp_path / "b.webm", scale=2, upscaler=swift).encoder == "libvpx-vp9"


def test_an_encoder_that_is_missing_names_those_there_are(
    tmp_path: Path, swift: Upscaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = films.make(tmp_path / "a.mp4", frames=2)
    rows = tuple(
        codecs.Codec("hevc", "HEVC", ("nowhere_x265",)) if row.name == "hevc" else row for row in codecs.CODECS
    )
    monkeypatch.setattr(codecs, "CODECS", rows)
    with pytest.raises(
        SettingError, match=r"cannot write HEVC \(nowhere_x265 is missing\): those there are: h264, av1"
    ):
        video.upscale(source, scale=2, upscaler=swift, codec="hevc")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4"]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"codec": "h265x"}, "no codec 'h265x'"),
        ({"crf": 90}, "the CRF is 90: H.264 takes 0"),
        ({"codec": "hevc", "scale": 1}, "HEVC is not written with 48 columns: from 64 on it is"),
        ({"codec": "ffv1", "crf": 3}, "FFV1 has no CRF"),
        ({"preset": "warp"}, "H.264 has no preset 'warp': from quick to thorough: ultrafast, "),
        ({"codec": "av1", "preset": "14"}, "AV1 has no preset '14': from quick to thorough: 13 to 0"),
        ({"pixel_format": "rgb24"}, "no sample format 'rgb24'"),
        ({"scale": 17}, "the factor is 17"),
        ({"deinterlace": "maybe"}, "deinterlacing is 'maybe'"),
        ({"start": "soon"}, "the time is 'soon'"),
        ({"start": 3, "end": 2}, "the cut ends at 2 s"),
        ({"drop": (7,)}, "no stream 7"),
    ],
)
def test_wishes_that_cannot_be_right(tmp_path: Path, swift: Upscaler, wish: dict[str, object], words: str) -> None:
    source = films.make(tmp_path / "a.mkv", frames=2)
    with pytest.raises(SettingError, match=words) as caught:
        video.upscale(source, tmp_path / "b.mkv", **{"scale": 2, "upscaler": swift, **wish})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mkv"]


@pytest.mark.parametrize(
    ("with_", "suffix", "words"),
    [
        ({"subtitles": True}, ".mp4", r"MP4 cannot hold stream 1 \(subtitle, \w+, deu\): write .mkv, or .* --drop 1"),
        ({"attachment": True}, ".mp4", r"MP4 cannot hold stream 1 \(attachment\)"),
        ({"sound": ("eng",)}, ".webm", r"WebM cannot hold stream 1 \(audio, aac, eng\)"),
    ],
)
def test_a_container_that_cannot_hold_a_stream_says_so_before_the_work(
    tmp_path: Path, swift: Upscaler, with_: dict[str, object], suffix: str, words: str
) -> None:
    source = films.make(tmp_path / "a.mkv", frames=2, **with_)  # type: ignore[arg-type]
    with pytest.raises(SettingError, match=words):
        video.upscale(source, tmp_path / f"b{suffix}", scale=2, upscaler=swift)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mkv"]
    video.upscale(source, tmp_path / f"b{suffix}", scale=2, upscaler=swift, drop=(1,))
    with av.open(str(tmp_path / f"b{suffix}")) as made:
        assert [stream.type for stream in made.streams] == ["video"]


def test_odd_sides_are_cut_where_the_codec_needs_even_ones(tmp_path: Path, swift: Upscaler) -> None:
    source = films.make(tmp_path / "a.mkv", size=Size(31, 23), codec="ffv1", frames=3, options={"g": "1"})
    made = video.upscale(source, tmp_path / "b.mp4", scale=3, upscaler=swift)
    assert made.after == probe(tmp_path / "b.mp4").size == Size(92, 68)
    assert any("93×69 cut to 92×68" in note for note in made.notes)
    whole = video.upscale(source, tmp_path / "b.mkv", scale=3, upscaler=swift, codec="ffv1")
    assert whole.after == probe(tmp_path / "b.mkv").size == Size(93, 69)
    for small, large in zip(films.luma(tmp_path / "b.mp4"), films.luma(tmp_path / "b.mkv"), strict=True):
        assert abs(small.astype(int) - large[:68, :92]).mean() < 3


def test_sources_in_rgb_become_luma_and_chroma_of_bt709(tmp_path: Path, swift: Upscaler) -> None:
    source = films.make(tmp_path / "a.mkv", frames=2, codec="ffv1", pixels="bgr0", options={"g": "1"})
    made = video.upscale(source, tmp_path / "b.mkv", scale=2, upscaler=swift, codec="ffv1")
    assert made.frames == 2
    after = probe(tmp_path / "b.mkv")
    assert (after.format, after.tags.matrix, after.tags.range) == ("yuv444p", 1, 1)
    with av.open(str(source)) as one, av.open(str(tmp_path / "b.mkv")) as two:
        small = next(one.decode(video=0)).to_ndarray(format="rgb24").reshape(-1, 3).mean(0)
        large = next(two.decode(video=0)).to_ndarray(format="rgb24").reshape(-1, 3).mean(0)
    assert abs(small - large).max() < 1.5


def test_what_cannot_be_kept_is_said(tmp_path: Path, swift: Upscaler) -> None:
    clear = films.make(tmp_path / "a.mkv", frames=2, codec="ffv1", pixels="yuva420p", options={"g": "1"})
    made = video.upscale(clear, tmp_path / "b.mkv", scale=2, upscaler=swift)
    assert made.notes == ("transparency cannot be kept",)
    uneven = films.make(tmp_path / "c.mp4", times=[0, 1001, 2002], time_base=Fraction(1, 30000))
    assert video.upscale(uneven, tmp_path / "d.mp4", scale=2, upscaler=swift).notes == ()
    assert films.times(tmp_path / "d.mp4") == [Fraction(index * 1001, 30000) for index in range(3)]
    made = video.upscale(uneven, tmp_path / "d.mkv", scale=2, upscaler=swift)
    assert made.notes == ("Matroska rounds timestamps to milliseconds",)
    assert films.times(tmp_path / "d.mkv") == [Fraction(ms, 1000) for ms in (0, 33, 67)]
