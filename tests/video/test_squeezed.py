"""Films that are visibly squeezed are told by what their coder rounded with, and go through restoring networks."""

from __future__ import annotations

from pathlib import Path

import pytest

from subpixel import Upscaler, video
from subpixel.plan import Target
from subpixel.types import Size
from subpixel.video.clips import probe
from subpixel.video.films import Film, Wishes
from subpixel.video.squeezed import judge
from tests.video import films


@pytest.mark.parametrize(
    ("codec", "options", "told"),
    [
        ("libx264", {"qp": "20"}, (20, False, "h264 at QP ")),
        ("libx264", {"qp": "40"}, (40, True, "h264 at QP ")),
        ("mpeg2video", {"qmin": "3", "qmax": "3"}, (3, False, "mpeg2video at quantiser 3.0")),
        ("mpeg2video", {"qmin": "20", "qmax": "20"}, (20, True, "mpeg2video at quantiser 20.0")),
        ("mpeg4", {"qmin": "4", "qmax": "4"}, (4, False, "mpeg4 at quantiser 4.0")),
        ("mpeg4", {"qmin": "25", "qmax": "25"}, (25, True, "mpeg4 at quantiser 25.0")),
        (
            "libx265",
            {"crf": "40", "x265-params": "log-level=none"},
            (None, False, "how strongly hevc is squeezed is not known"),
        ),
    ],
)
def test_told_by_the_quantiser(
    tmp_path: Path, codec: str, options: dict[str, str], told: tuple[float | None, bool, str]
) -> None:
    source = films.make(tmp_path / "a.mkv", frames=30, codec=codec, size=Size(64, 48), options={"bf": "0", **options})
    found = judge(probe(source))
    quantiser, squeezed, reason = told
    assert found.squeezed == squeezed
    assert found.reason.startswith(reason)
    if quantiser is None:
        assert found.quantiser is None
    else:
        assert found.quantiser == pytest.approx(quantiser, abs=3)


def test_ten_bits_count_as_eight(tmp_path: Path) -> None:
    found = [
        judge(probe(films.make(tmp_path / f"{pixels}.mkv", frames=12, pixels=pixels, options={"crf": "34"}))).quantiser
        for pixels in ("yuv420p", "yuv420p10le")
    ]
    assert found[0] is not None and found[1] == pytest.approx(found[0], abs=3)


def test_the_networks_follow_and_it_is_said(tmp_path: Path) -> None:
    source = films.make(tmp_path / "a.mkv", frames=3, options={"qp": "40"})
    fine = films.make(tmp_path / "b.mkv", frames=3, options={"qp": "18"})
    found = {}
    for restore in (None, True, False):
        with Upscaler(quality="fast", restore=restore, threads=1) as upscaler:
            film = Film(source, tmp_path / "c.mkv", upscaler, Wishes(Target(2)))
            found[restore] = [step.model.name for step in film.plan.passes]
            said = any("strongly squeezed (h264 at QP" in note and "--clean" in note for note in film.notes)
            assert said == (restore is None)
            if restore is None:
                other = Film(fine, tmp_path / "c.mkv", upscaler, Wishes(Target(2)))
                assert [step.model.name for step in other.plan.passes] == ["swift-x2"]
                assert not other.notes
    assert found == {None: ["swift-restore-x2"], True: ["swift-restore-x2"], False: ["swift-x2"]}
    made = video.upscale(source, tmp_path / "d.mkv", scale=2, quality="fast", end=0.04)
    assert made.models == ("swift-restore-x2",)


def test_a_named_model_stays(tmp_path: Path, swift: Upscaler) -> None:
    source = films.make(tmp_path / "a.mkv", frames=3, options={"qp": "40"})
    assert not Film(source, tmp_path / "c.mkv", swift, Wishes(Target(2))).notes
