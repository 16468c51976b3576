"""Both ways side by side, from within the film, and a word about the whole."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from subpixel import Upscaler
from subpixel.errors import Cancelled, OutputExists
from subpixel.image.resample import resize
from subpixel.plan import Target
from subpixel.video import encoding
from subpixel.video.encoding import Coding
from subpixel.video.films import Wishes
from subpixel.video.flow import Progress
from subpixel.video.preview import preview, preview_path, side_by_side, span_for
from subpixel.video.reading import Span

from .clips import frame
from .test_pictured import clip


@pytest.mark.parametrize("sub", [(2, 2), (1, 1), None])
@pytest.mark.parametrize("width", [64, 61])
def test_the_same_part_on_both_sides(sub: tuple[int, int] | None, width: int) -> None:
    small, large = frame(width, 48, sub=sub, bits=10), frame(3 * width, 144, sub=sub, bits=10)
    made = side_by_side(small, large)
    step = large.sub[1]
    assert made.y.shape == large.y.shape and made.sub == large.sub
    half = 3 * width // 2 // step * step
    start = (3 * width - half) // 2 // step * step
    plain = np.round(resize(small.y[None].astype(np.float32), 144, 3 * width)[0]).clip(0, 1023)
    line = 2 * step
    assert np.array_equal(made.y[:, half:], large.y[:, start : start + 3 * width - half])
    apart = made.y[:, : half - line].astype(int) - plain[:, start : start + half - line]
    assert np.abs(apart).max() <= 1, "ties"
    assert (made.y[:, half - line : half] == 940).all()
    if large.u is not None and made.u is not None:
        assert np.array_equal(
            made.u[:, half // step :], large.u[:, start // step :][:, : made.u.shape[1] - half // step]
        )


@pytest.mark.parametrize(
    ("asked", "duration", "wanted"),
    [
        (Span(), Fraction(60), Span(Fraction(20), Fraction(25))),
        (Span(), Fraction(9), Span(Fraction(0), Fraction(5))),
        (Span(), None, Span(Fraction(0), Fraction(5))),
        (Span(Fraction(7)), Fraction(60), Span(Fraction(7), Fraction(12))),
        (Span(Fraction(7), Fraction(9)), Fraction(60), Span(Fraction(7), Fraction(9))),
    ],
)
def test_where_it_is_taken_from(asked: Span, duration: Fraction | None, wanted: Span) -> None:
    assert span_for(asked, duration) == wanted


def test_a_preview(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mkv", [40 * index for index in range(12)])
    target, whole = preview_path(tmp_path / "in-x2.mkv"), tmp_path / "in-x2.mkv"
    wishes = Wishes(Target(2), Coding(codec="ffv1"), Span(Fraction(4, 25), Fraction(10, 25)))
    with Upscaler("swift", threads=1) as upscaler:
        made = preview(source, whole, upscaler, wishes)
        assert target.name == "in-x2-preview.mkv" and made.film.target == target
        assert made.film.frames == 6 and made.start == Fraction(4, 25)
        assert made.frames == 6 and made.seconds is not None and 0 < made.seconds < 60
        with av.open(str(target)) as container:
            frames = list(container.decode(video=0))
        assert len(frames) == 6 and (frames[0].width, frames[0].height) == (128, 96)
        with pytest.raises(OutputExists):
            preview(source, whole, upscaler, wishes)
    assert {path.name for path in tmp_path.iterdir()} == {"in.mkv", "in-x2-preview.mkv"}


def test_a_preview_that_was_stopped_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "_SEGMENT", 0)
    monkeypatch.setattr(encoding, "_FEWEST", 2)
    source, stop = clip(tmp_path / "in.mkv", [40 * index for index in range(12)]), threading.Event()

    def told(now: Progress) -> None:
        if now.done == 8:
            assert (tmp_path / "in-x2-preview.mkv.journal").exists()
            stop.set()

    with Upscaler("swift", threads=1) as upscaler, pytest.raises(Cancelled):
        preview(source, tmp_path / "in-x2.mkv", upscaler, Wishes(Target(2)), progress=told, cancel=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]
