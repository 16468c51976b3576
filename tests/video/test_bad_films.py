"""Files that are damaged, incomplete or no films at all: one clear line, and no broken file left."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from subpixel import video
from subpixel.errors import OutputUnwritable, PictureMissing, PictureUnreadable, PictureUnsupported, SubpixelError
from subpixel.types import Size
from subpixel.upscaler import Upscaler
from subpixel.video.clips import probe
from tests.video import films


def _refused(tmp_path: Path, swift: Upscaler, source: Path, kind: type[SubpixelError], words: str) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(kind, match=words) as caught:
        video.upscale(source, tmp_path / "made.mkv", scale=2, upscaler=swift)
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_nothing_there(tmp_path: Path, swift: Upscaler) -> None:
    films.make(tmp_path / "clip.mp4", frames=1)
    _refused(tmp_path, swift, tmp_path / "clop.mp4", PictureMissing, "did you mean .*clip.mp4")


def test_a_folder(tmp_path: Path, swift: Upscaler) -> None:
    _refused(tmp_path, swift, tmp_path, PictureUnsupported, "is a folder")


def test_an_empty_file(tmp_path: Path, swift: Upscaler) -> None:
    (tmp_path / "a.mp4").touch()
    _refused(tmp_path, swift, tmp_path / "a.mp4", PictureUnreadable, "a.mp4 is empty")


def test_no_video_at_all(tmp_path: Path, swift: Upscaler) -> None:
    (tmp_path / "a.mp4").write_bytes(b"Dear diary, " * 500)
    _refused(tmp_path, swift, tmp_path / "a.mp4", PictureUnreadable, "cannot be opened as a video")


def test_sound_alone(tmp_path: Path, swift: Upscaler) -> None:
    with av.open(str(tmp_path / "a.m4a"), "w") as container:
        films._sound(container, container.add_stream("aac", rate=8000, layout="mono"), 440, 0.5)
    _refused(tmp_path, swift, tmp_path / "a.m4a", PictureUnsupported, "has no video stream: it has audio only")


def test_sound_with_cover_art(tmp_path: Path, swift: Upscaler) -> None:
    """A cover is no film."""
    with av.open(str(tmp_path / "a.m4a"), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=8000, layout="mono")
        image = container.add_stream("mjpeg", rate=1)
        image.width, image.height, image.pix_fmt = 16, 16, "yuvj420p"
        image.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), "rgb24").reformat(format="yuvj420p")
        container.mux([*image.encode(frame), *image.encode(None)])
        films._sound(container, sound, 440, 0.5)
    _refused(tmp_path, swift, tmp_path / "a.m4a", PictureUnsupported, "has no video stream")


def test_an_mp4_without_its_end(tmp_path: Path, swift: Upscaler) -> None:
    whole = films.make(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(whole[: len(whole) // 2])
    _refused(tmp_path, swift, tmp_path / "a.mp4", PictureUnreadable, r"its index \(moov\) is missing")


@pytest.mark.parametrize(("suffix", "sound"), [(".mkv", ()), (".mkv", ("eng",)), (".mp4", ()), (".ts", ("eng",))])
def test_a_file_that_is_cut_off(tmp_path: Path, swift: Upscaler, suffix: str, sound: tuple[str, ...]) -> None:
    """What is there is made, and that the rest is not there is said."""
    source = films.make(tmp_path / f"a{suffix}", frames=30, sound=sound, options={"bf": "0"})
    if suffix == ".mp4":  # its index in front, as everything for the web has it
        video.upscale(source, tmp_path / "front.mp4", scale=1, upscaler=swift)
        source = tmp_path / "front.mp4"
    data = source.read_bytes()
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(data[: len(data) * 6 // 10])
    made = video.upscale(cut, tmp_path / "b.mkv", scale=2, upscaler=swift)
    assert 3 < made.frames < 30
    assert len(films.times(tmp_path / "b.mkv")) == made.frames
    if suffix != ".ts":  # a broadcast does not say how long it is
        assert any("cut off" in note for note in made.notes), made.notes


def _hurt(source: Path, target: Path, broken: set[int]) -> None:
    """Copy a film and overwrite the middle of some of its packets."""
    with av.open(str(source)) as before, av.open(str(target), "w") as after:
        stream = after.add_stream_from_template(before.streams.video[0])
        for number, packet in enumerate(one for one in before.demux(video=0) if one.size):
            made = packet
            if number in broken:
                data = bytearray(bytes(packet))
                middle = len(data) // 3
                data[middle : middle + 40] = bytes(40)
                made = av.Packet(bytes(data))
                made.pts, made.dts, made.time_base = packet.pts, packet.dts, packet.time_base
                made.duration, made.is_keyframe = packet.duration, packet.is_keyframe
            made.stream = stream
            after.mux(made)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "mjpeg", "libvpx-vp9"])
def test_broken_frames_are_concealed_counted_and_said(tmp_path: Path, swift: Upscaler, codec: str) -> None:
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    size = Size(64, 48)
    source = films.make(tmp_path / "a.mkv", frames=20, codec=codec, size=size, pixels=pixels)
    _hurt(source, tmp_path / "hurt.mkv", {7, 8})
    made = video.upscale(tmp_path / "hurt.mkv", tmp_path / "b.mkv", scale=2, upscaler=swift)
    assert made.frames == 20
    assert films.times(tmp_path / "b.mkv") == films.times(source)
    assert len(made.notes) >= 1
    assert any("damaged, concealed" in note or "could not be decoded" in note for note in made.notes)


def test_nothing_can_be_decoded(tmp_path: Path, swift: Upscaler) -> None:
    source = films.make(tmp_path / "a.mkv", frames=5, codec="ffv1", options={"g": "1"})
    with av.open(str(source)) as before, av.open(str(tmp_path / "b.mkv"), "w") as after:
        stream = after.add_stream_from_template(before.streams.video[0])
        for packet in before.demux(video=0):
            if packet.size:
                made = av.Packet(b"\xff" * packet.size)
                made.pts, made.dts, made.time_base, made.stream = packet.pts, packet.dts, packet.time_base, stream
                after.mux(made)
    _refused(tmp_path, swift, tmp_path / "b.mkv", PictureUnreadable, "no frame of .* can be decoded")


def test_sides_that_change_midway(tmp_path: Path, swift: Upscaler) -> None:
    one = films.make(tmp_path / "one.ts", frames=6, size=Size(64, 48), options={"bf": "0"})
    two = films.make(tmp_path / "two.ts", frames=6, size=Size(48, 32), options={"bf": "0"})
    (tmp_path / "a.ts").write_bytes(one.read_bytes() + two.read_bytes())
    made = video.upscale(tmp_path / "a.ts", tmp_path / "b.mkv", scale=2, upscaler=swift)
    assert (made.after, made.frames) == (Size(128, 96), 12)
    assert any(note.startswith("6 frames of another size") for note in made.notes)
    assert len(films.times(tmp_path / "b.mkv")) == 12


def test_a_cut_behind_the_end(tmp_path: Path, swift: Upscaler) -> None:
    source = films.make(tmp_path / "a.mkv", frames=10)
    with pytest.raises(PictureUnreadable, match=r"no frame from 9 s on: it lasts 0.4 s"):
        video.upscale(source, tmp_path / "b.mkv", scale=2, upscaler=swift, start=9)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mkv"]


def test_the_target_is_looked_at_before_the_work(tmp_path: Path, swift: Upscaler) -> None:
    source = films.make(tmp_path / "a.mp4", frames=2)
    (tmp_path / "b.mp4").write_bytes(b"mine")
    for target, words in (
        ("b.mp4", "b.mp4 exists: use --overwrite"),
        ("b.xyz", "no video format goes by '.xyz': use one of .mp4"),
        ("b", "has no suffix"),
        ("no/b.mp4", "there is no folder"),
    ):
        with pytest.raises(SubpixelError, match=words):
            video.upscale(source, tmp_path / target, scale=2, upscaler=swift)
    with pytest.raises(SubpixelError, match="is the input"):
        video.upscale(source, source, scale=2, upscaler=swift, overwrite=True)
    assert (tmp_path / "b.mp4").read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


def test_an_untagged_film_says_what_its_size_meant(tmp_path: Path, swift: Upscaler) -> None:
    """Small films mean BT.601, and would be shown as BT.709 once they are large."""
    source = films.make(tmp_path / "a.mp4", frames=2, size=Size(320, 180))
    with av.open(str(source)) as container:
        assert next(container.decode(video=0)).colorspace == 2
    video.upscale(source, tmp_path / "b.mp4", scale=4, upscaler=swift, quality="fast")
    assert probe(tmp_path / "b.mp4").tags.matrix == 6


def test_damage_before_a_cut_does_not_count(tmp_path: Path, swift: Upscaler) -> None:
    source = films.make(tmp_path / "a.mkv", frames=20, codec="mjpeg", pixels="yuvj420p")
    _hurt(source, tmp_path / "hurt.mkv", {2, 3})
    made = video.upscale(tmp_path / "hurt.mkv", tmp_path / "b.mkv", scale=2, upscaler=swift, start=0.4)
    assert (made.frames, made.notes) == (10, ())


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_whatever_is_damaged_it_is_one_line_or_a_film(tmp_path: Path, swift: Upscaler, suffix: str) -> None:
    source = films.make(tmp_path / f"a{suffix}", frames=10, sound=("eng",), subtitles=suffix == ".mkv")
    whole, rng = source.read_bytes(), np.random.default_rng(5)
    for attempt in range(6):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 1 + attempt * 4):
            data[place : place + 9] = rng.bytes(len(data[place : place + 9]))
        source.write_bytes(data)
        target = tmp_path / "b.mkv"
        try:
            made = video.upscale(source, target, scale=2, upscaler=swift, overwrite=True)
            assert len(films.times(target)) == made.frames
        except SubpixelError as error:
            assert "\n" not in str(error)
        target.unlink(missing_ok=True)
        assert [path.name for path in tmp_path.iterdir()] == [source.name]


def test_an_encoder_that_gives_up(tmp_path: Path, swift: Upscaler, monkeypatch: pytest.MonkeyPatch) -> None:
    from subpixel.video.segments import SegmentSink

    def fails(self: SegmentSink, packets: object) -> None:
        raise av.error.ArgumentError(22, "Invalid argument")

    source = films.make(tmp_path / "a.mkv", frames=3)
    monkeypatch.setattr(SegmentSink, "_put", fails)
    _refused(tmp_path, swift, source, OutputUnwritable, "libx264 does not code a frame of .*made.mkv: Invalid argument")
