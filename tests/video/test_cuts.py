"""Parts of a film, interlaced films, cover art from one container into another, the iterator of frames."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from subpixel import video
from subpixel.errors import SettingError
from subpixel.plan import Target
from subpixel.types import Size
from subpixel.upscaler import Upscaler
from subpixel.video.clips import probe
from subpixel.video.films import filter_for
from subpixel.video.health import Health, Place
from subpixel.video.oneline import default_target, parse_position
from subpixel.video.reading import FilmSource, Span
from tests.video import films


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_part_is_exact_to_the_frame_and_in_time_with_its_sound(tmp_path: Path, swift: Upscaler, suffix: str) -> None:
    source = films.make(tmp_path / f"a{suffix}", frames=30, sound=("eng",), subtitles=suffix == ".mkv", chapters=True)
    whole, part = tmp_path / f"whole{suffix}", tmp_path / f"part{suffix}"
    video.upscale(source, whole, scale=2, upscaler=swift, crf=0, pixel_format="yuv420p")
    made = video.upscale(source, part, scale=2, upscaler=swift, crf=0, start="0:00.28", end=0.8)
    assert made.frames == 13  # those shown from 0.28 s on, before 0.8 s
    assert films.times(part) == [Fraction(index, 25) for index in range(13)]
    for one, two in zip(films.luma(whole)[7:20], films.luma(part), strict=True):
        np.testing.assert_array_equal(one, two)
    with av.open(str(source)) as before, av.open(str(part)) as after:
        base = [container.streams.audio[0].time_base for container in (before, after)]
        titles = [(c["metadata"]["title"], c["start"] * c["time_base"]) for c in after.chapters()]
        assert titles == [("Part 1", 0)]
        assert after.chapters()[0]["end"] * after.chapters()[0]["time_base"] == Fraction(12, 100)
        if suffix == ".mkv":
            texts = [(p.pts, p.duration, bytes(p)) for p in after.demux(subtitles=0) if p.size]
            assert texts == [(0, 120, b"One"), (220, 400, b"Two <i>of</i> two")]
    old = {row[2]: row[0] * base[0] for row in films.packets(source)[1]}  # type: ignore[operator]
    new = {row[2]: row[0] * base[1] for row in films.packets(part)[1]}  # type: ignore[operator]
    assert len(new) >= 3
    for check, time in new.items():
        assert abs(old[check] - time - Fraction(28, 100)) <= Fraction(1, 1000)
    assert 0 <= min(new.values()) < Fraction(130, 1000)
    assert max(new.values()) < Fraction(52, 100)


def test_a_part_of_a_broadcast(tmp_path: Path, swift: Upscaler) -> None:
    """It starts anywhere, and has no index."""
    source = films.make(tmp_path / "a.ts", times=range(35, 65))
    assert probe(source).origin > 1
    video.upscale(source, tmp_path / "whole.mkv", scale=2, upscaler=swift, codec="ffv1")
    made = video.upscale(source, tmp_path / "b.mkv", scale=2, upscaler=swift, codec="ffv1", start=0.48, end=0.88)
    start = films.times(tmp_path / "whole.mkv")[0]
    wanted = [
        n for n, time in enumerate(films.times(tmp_path / "whole.mkv")) if Fraction(48, 100) <= time < Fraction(88, 100)
    ]
    assert made.frames == len(wanted) == 10
    assert start < 1
    whole = films.luma(tmp_path / "whole.mkv")
    for number, luma in zip(wanted, films.luma(tmp_path / "b.mkv"), strict=True):
        np.testing.assert_array_equal(luma, whole[number])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90.5", Fraction(181, 2)), ("1:30", 90), ("0:01:30.25", Fraction(361, 4)), ("12s", 12)],
)
def test_positions(text: str, seconds: Fraction) -> None:
    assert parse_position(text) == seconds


@pytest.mark.parametrize("text", ["", "one", "1:2:3:4", "-3", "1:100"])
def test_no_positions(text: str) -> None:
    with pytest.raises(SettingError, match="the time is"):
        parse_position(text)


@pytest.mark.parametrize(
    ("source", "codec", "name"),
    [
        ("a.mp4", "", "a-x3.mp4"),
        ("a.avi", "", "a-x3.mkv"),
        ("a.mp4", "ffv1", "a-x3.mkv"),
        ("a.mp4", "prores", "a-x3.mov"),
        ("f_%03d.png", "", "f_%03d-x3.png"),
    ],
)
def test_where_results_go(source: str, codec: str, name: str) -> None:
    assert default_target(Path("x") / source, Target(3), codec) == Path("x") / name


def _interlaced(path: Path, *, marked: bool = True) -> Path:
    """Two moments in each frame, in its even and odd rows."""
    size = Size(64, 48)
    y, x = np.mgrid[: size.height, : size.width]
    with av.open(str(path), "w") as container:
        options = {"flags": "+ilme+ildct", "x264-params": "tff=1", "crf": "4"} if marked else {"crf": "4"}
        stream: Any = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = size.width, size.height, "yuv420p"
        for index in range(10):
            moment = 2 * index + y % 2
            bar = (abs(x - 10 - 2 * moment) < 5) * 160 + 40
            frame = av.VideoFrame(size.width, size.height, "yuv420p")
            for plane, values in zip(frame.planes, (bar, None, None), strict=True):
                view = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
                view[:] = 128
                if values is not None:
                    view[:, : size.width] = values
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _combing(path: Path) -> float:
    """How much neighbouring rows differ, against rows two apart."""
    rows = np.stack(films.luma(path)[2:8]).astype(int)
    return float(abs(rows[:, 1:-1] * 2 - rows[:, :-2] - rows[:, 2:]).mean())


def test_interlaced_films_become_whole_frames(tmp_path: Path, swift: Upscaler) -> None:
    source = _interlaced(tmp_path / "a.mkv")
    assert probe(source).interlaced
    assert not probe(films.make(tmp_path / "b.mkv", frames=2)).interlaced
    found = {}
    for how in ("auto", "off", "on"):
        target = tmp_path / f"{how}.mkv"
        made = video.upscale(source, target, scale=2, upscaler=swift, deinterlace=how, codec="ffv1")  # type: ignore[arg-type]
        assert made.frames == 10
        assert films.times(target) == films.times(source)
        found[how] = _combing(target)
        assert any("deinterlaced" in note for note in made.notes) == (how != "off")
    assert found["auto"] == found["on"] < found["off"] / 3


def test_deinterlacing_when_asked_of_films_that_do_not_say_it(tmp_path: Path, swift: Upscaler) -> None:
    """A digitiser that forgot to mark its frames: `--deinterlace on` alone helps."""
    source = _interlaced(tmp_path / "a.mkv", marked=False)
    assert not probe(source).interlaced
    found = {}
    for how in ("auto", "on"):
        target = tmp_path / f"{how}.mkv"
        made = video.upscale(source, target, scale=2, upscaler=swift, deinterlace=how, codec="ffv1")  # type: ignore[arg-type]
        assert made.frames == 10
        assert made.notes == (() if how == "auto" else ("as asked: deinterlaced; --deinterlace off leaves the fields",))
        found[how] = _combing(target)
    assert found["on"] < found["auto"] / 3


def test_a_film_that_is_interlaced_later_than_it_was_looked_at(tmp_path: Path, swift: Upscaler) -> None:
    parts = (films.make(tmp_path / "one.ts", frames=12, size=Size(64, 48)), _interlaced(tmp_path / "two.ts"))
    (tmp_path / "a.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    assert not probe(tmp_path / "a.ts").interlaced
    made = video.upscale(tmp_path / "a.ts", tmp_path / "b.mkv", scale=2, upscaler=swift)
    assert "10 frames interlaced: deinterlaced; --deinterlace off leaves the fields" in made.notes


def test_cover_art_goes_from_one_container_into_another(tmp_path: Path, swift: Upscaler) -> None:
    first = films.make(tmp_path / "a.mp4", frames=3, cover=True, sound=("eng",))
    picture = next(pair for pair in films.sums(first, "video") if len(pair) == 1)
    for suffix in (".mkv", ".mp4"):
        target = tmp_path / f"b{suffix}"
        video.upscale(first, target, scale=2, upscaler=swift)
        assert picture in films.sums(target, "video")
        assert [track.kind for track in probe(target).tracks] == (
            ["audio", "cover"] if suffix == ".mkv" else [track.kind for track in probe(first).tracks]
        )
        again = tmp_path / "c.mp4"
        video.upscale(target, again, scale=2, upscaler=swift, overwrite=True)
        assert picture in films.sums(again, "video")
    with pytest.raises(SettingError, match=r"MOV cannot hold stream \d \(cover, mjpeg\): write .mkv, or .* --drop \d"):
        video.upscale(first, tmp_path / "b.mov", scale=2, upscaler=swift)


def test_a_timecode_is_kept(tmp_path: Path, swift: Upscaler) -> None:
    source = films.make(tmp_path / "a.mov", frames=3, metadata={"timecode": "01:02:03:04"})
    assert [track.kind for track in probe(source).tracks] == ["data"]
    video.upscale(source, tmp_path / "b.mov", scale=2, upscaler=swift)
    with av.open(str(tmp_path / "b.mov")) as made:
        assert made.streams.video[0].metadata["timecode"] == "01:02:03:04"
        assert [stream.type for stream in made.streams] == ["video", "data"]


def test_what_the_encoder_of_the_old_film_said_is_not_said_of_the_new(tmp_path: Path, swift: Upscaler) -> None:
    first = films.make(tmp_path / "a.mkv", frames=3)
    with av.open(str(first)) as source, av.open(str(tmp_path / "b.mkv"), "w") as copy:
        stream = copy.add_stream_from_template(source.streams[0])
        stream.metadata.update({"BPS": "123", "NUMBER_OF_FRAMES": "3", "title": "Front"})
        for packet in source.demux():
            if packet.size:
                packet.stream = stream
                copy.mux(packet)
    video.upscale(tmp_path / "b.mkv", tmp_path / "c.mkv", scale=2, upscaler=swift)
    with av.open(str(tmp_path / "c.mkv")) as made:
        assert {"title", "BPS", "NUMBER_OF_FRAMES"} & made.streams[0].metadata.keys() == {"title"}


def test_frames_one_by_one(tmp_path: Path) -> None:
    source = films.make(tmp_path / "a.mp4", frames=6)
    shown = list(video.upscale_frames(source, scale=2, model="swift", start=0.08))
    assert [one.seconds for one in shown] == [Fraction(index, 25) for index in range(4)]
    assert {one.size for one in shown} == {Size(96, 64)}
    assert shown[0].pixels.shape == (64, 96, 3)
    assert shown[0].pixels.dtype == np.uint8
    assert shown[0].luma is not None and shown[0].luma.shape == (64, 96)
    video.upscale(source, tmp_path / "b.mkv", scale=2, model="swift", codec="ffv1")
    for one, luma in zip(shown, films.luma(tmp_path / "b.mkv")[2:], strict=True):
        np.testing.assert_array_equal(one.luma, luma)


def _checks(source: Path, **how: Any) -> list[tuple[int, int, int]]:
    """Timestamp, duration and checksum of the frames before the networks."""
    clip = probe(source)
    skip = how.pop("skip", 0)
    frames = FilmSource(clip, "yuv420p", deinterlace=filter_for("auto"), threads=1, **how).frames(skip)
    return [(timed.pts, timed.duration, timed.check) for timed in frames if timed is not None]


_HARD = (
    ("mpeg4.ts", "mpeg4", {"bf": "0"}),  # searches end anywhere
    ("refreshed.mkv", "libx264", {"x264-params": "intra-refresh=1"}),  # decoding can begin where it gives nothing whole
    ("open.ts", "libx264", {"bf": "3", "x264-params": "open-gop=1"}),
    ("index.mp4", "libx264", {"bf": "3"}),
    ("tape.mpg", "mpeg2video", {"bf": "2"}),  # timestamps between key frames are guessed
    ("fields.mkv", "libx264", {"flags": "+ilme+ildct", "x264-params": "tff=1"}),  # frames before are looked at
)


@pytest.mark.parametrize(("name", "codec", "options"), _HARD, ids=[row[0] for row in _HARD])
def test_frames_behind_a_place_are_those_of_the_whole(
    tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    source = films.make(tmp_path / name, frames=170, codec=codec, options={"g": "40", **options})
    clip, whole = probe(source), _checks(source)
    for number in (9, 41, 84, 131):
        start = (whole[number][0]) * clip.time_base
        cut = _checks(source, span=Span(start))
        offset = round((clip.origin + start) / clip.time_base) - round(clip.origin / clip.time_base)
        assert cut == [(pts - offset, duration, check) for pts, duration, check in whole[number:]]
        place = Place(tuple((pts, check) for pts, _, check in whole[number - 8 : number]), Health(broken=3))
        assert _checks(source, place=place, skip=number) == whole[number:]
        wrong = Place(((whole[number - 1][0], 0),), Health())
        assert _checks(source, place=wrong, skip=number) == whole[number:]


def test_going_on_does_not_decode_from_the_start(tmp_path: Path) -> None:
    source = films.make(tmp_path / "a.mp4", frames=200, options={"g": "20"})
    clip = probe(source)
    whole = _checks(source)
    place = Place(tuple((pts, check) for pts, _, check in whole[142:150]), Health(broken=2))
    film = FilmSource(clip, "yuv420p", place=place)
    found = list(film.frames(150))
    assert sum(timed is None for timed in found) < 40
    assert len(found) - found.count(None) == 50
    assert film.health.broken == 2


def test_a_still_on_show_is_part_of_the_cut(tmp_path: Path, swift: Upscaler) -> None:
    """Screen recordings: a frame may be shown for seconds."""
    moments = [0, 40, 80, 2000, 2040, 6000]
    source = films.make(tmp_path / "a.mkv", times=moments, time_base=Fraction(1, 1000))
    for start, end, wanted in (
        (1, 2.03, [(0, 1000), (1000, 30)]),  # the frame of 80 ms, and that of 2 s up to the end of the cut
        (1, 1.5, [(0, 500)]),
        (2, 2.5, [(0, 40), (40, 460)]),
        (3, None, [(0, 3000), (3000, 40)]),
    ):
        span = Span(Fraction(start), None if end is None else Fraction(str(end)))
        clip = probe(source)
        found = [timed for timed in FilmSource(clip, "yuv420p", span=span).frames() if timed is not None]
        assert [timed.pts for timed in found] == [pts for pts, _ in wanted]
        if end is not None:
            assert found[-1].pts + found[-1].duration <= round((end - start) * 1000)
    made = video.upscale(source, tmp_path / "b.mkv", scale=2, upscaler=swift, start=1, end=1.5)
    assert (made.frames, films.times(tmp_path / "b.mkv")) == (1, [0])
