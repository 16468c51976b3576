"""The best picture that fits a time: what is chosen, what is measured, what is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import subpixel
from subpixel import calibrating, zoo
from subpixel.calibrating import Machine, Measured
from subpixel.errors import SettingError
from subpixel.image.header import Header, read_header
from subpixel.plan import Target
from subpixel.types import Picture, Precision, Size
from subpixel.within import Fit, Work, choose_within, parse_time
from tests import house
from tests.cli.conftest import draw

SIZE = Size(1000, 1000)
WORK = Work(Header("png", SIZE), (None,))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the user's own cache."""
    path = tmp_path / "cache/speed.json"
    monkeypatch.setattr(calibrating, "cache_file", lambda: path)
    return path


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The zoo with the whole line in it; `fine` is given the best score."""
    house.pretend(tmp_path / "zoo", monkeypatch, house.LINE)
    for scale in (2, 3, 4):
        card = tmp_path / f"zoo/fine-x{scale}/card.toml"
        text = card.read_text(encoding="utf-8")
        card.write_text(text.replace("psnr = ", "psnr = 1"), encoding="utf-8")  # 30.87 → 130.87
    house.forget()
    yield
    monkeypatch.undo()
    house.forget()


class Known(Machine):
    """A machine whose times need no measuring: microseconds for a pixel by family, twice as much in fp32."""

    TIMES: ClassVar = {"swift": 0.1, "crisp": 1.0, "fine": 10.0, "espcn": 1.0}

    def precisions(self, model: str, *, bits: int = 8) -> tuple[Precision, ...]:
        return ("fp32", "bf16") if bits == 8 else ("fp32",)

    def known(self, model: str, precision: Precision) -> float | None:
        return self.TIMES[zoo.card(model).family] * (2 if precision == "fp32" else 1) * 1e-6

    def measure(self, model: str, precision: Precision, *, again: bool = False) -> Measured:
        seconds = self.known(model, precision)
        assert seconds is not None
        return Measured(seconds, fresh=False)


def _fit(seconds: float, *works: Work, **options: object) -> Fit:
    return choose_within(seconds, works or (WORK,), (Target(4),), Known(2), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("500ms", 0.5), ("2m", 120), ("2 min", 120), ("1.5h", 5400), ("1m30s", 90), ("0.5S", 0.5)],
)
def test_times_are_understood(text: str, seconds: float) -> None:
    assert parse_time(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "10", "s", "10 days", "-1s", "1s2", "0s", "ten seconds"])
def test_other_words_are_answered(text: str) -> None:
    with pytest.raises(SettingError, match="--within 10s"):
        parse_time(text)


@pytest.mark.usefixtures("line")
def test_more_time_gives_more() -> None:
    """A megapixel takes 10 s with fine in bf16, 20 s in fp32, 1 s with crisp, 0.1 s with swift; eight-fold 8 times."""
    expected = [
        (1000, "best", True, "fp32"),
        (120, "best", True, "bf16"),
        (40, "best", False, "fp32"),
        (14, "best", False, "bf16"),
        (4, "balanced", False, "fp32"),
        (1.9, "balanced", False, "bf16"),
        (0.6, "fast", False, "fp32"),
    ]
    for seconds, quality, eightfold, precision in expected:
        fit = _fit(seconds)
        assert (fit.quality, fit.precision) == (quality, precision), (seconds, fit.line)
        assert fit.eightfold == eightfold
        assert fit.fits
        assert fit.seconds <= seconds
    before = 0.0
    for seconds in np.geomspace(0.5, 500, 25):
        fit = _fit(float(seconds))
        gain = {"fast": 0, "balanced": 10, "best": 20}[fit.quality] + 2 * fit.eightfold + (fit.precision == "fp32")
        assert gain >= before
        before = gain


@pytest.mark.usefixtures("line")
def test_where_nothing_fits_the_quickest_is_taken_and_said() -> None:
    fit = _fit(0.01)
    assert not fit.fits
    assert (fit.quality, fit.eightfold, fit.precision) == ("fast", False, "bf16")
    assert fit.line.startswith("nothing fits 10 ms: swift in bf16, the quickest, takes about ")


@pytest.mark.usefixtures("line")
def test_the_reason_names_what_was_too_slow() -> None:
    line = _fit(14).line
    assert line.startswith("fine in bf16: about ")
    assert " of 14 s; fine in fp32 would take about " in line


@pytest.mark.usefixtures("line")
def test_all_pictures_of_a_batch_count() -> None:
    assert _fit(14).quality == "best"
    assert _fit(14, *[WORK] * 10).quality != "best"
    assert _fit(14, Work(Header("gif", SIZE, frames=10), (None,))).quality != "best"
    assert _fit(14, spent=8.0).quality != "best"
    assert _fit(5, Work(Header("png", SIZE, bits=16), (None,))).precision == "fp32"


@pytest.mark.usefixtures("line")
def test_a_named_model_and_arithmetic_stay() -> None:
    fit = _fit(1000, model="crisp", precision="bf16")
    assert fit.eightfold
    assert fit.line.startswith("crisp eight-fold in bf16")


def test_times_are_measured_once_and_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrating, "SIDE", 48)
    first = Machine(1).measure("espcn-x2", "fp32")
    assert first.fresh
    assert 1e-9 < first.seconds < 1e-2
    again = Machine(1).measure("espcn-x2", "fp32")
    assert again == Measured(first.seconds, fresh=False)
    assert Machine(2).known("espcn-x2", "fp32") is None, "other threads, another time"
    assert Machine(1).known("espcn-x3", "fp32") is None
    rows = json.loads(cache.read_text())
    cache.write_text(json.dumps({key: (seconds, when - 90 * 24 * 3600) for key, (seconds, when) in rows.items()}))
    assert Machine(1).known("espcn-x2", "fp32") is None, "too old"
    for broken in ("", "[]", '{"a": 1}', '{"a": ["b", "c"]}'):
        cache.write_text(broken)
        assert Machine(1).known("espcn-x2", "fp32") is None
    assert Machine(1).measure("espcn-x2", "fp32").fresh
    assert not Machine(1).measure("espcn-x2", "fp32").fresh


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(calibrating, "cache_file", lambda: tmp_path / "file/speed.json")
    monkeypatch.setattr(calibrating, "SIDE", 32)
    assert Machine(1).measure("espcn-x2", "fp32").fresh


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "bmp", "ppm", "gif"])
def test_headers_are_read_without_pixels(tmp_path: Path, suffix: str) -> None:
    header = read_header(draw(tmp_path / f"a.{suffix}"))
    assert header.size == Size(30, 20)
    assert (header.frames, header.bits) == (1, 8)
    frames = np.random.default_rng(0).integers(0, 256, (3, 8, 9, 3), dtype=np.uint8)
    if suffix in ("gif", "webp"):
        path = tmp_path / f"b.{suffix}"
        metadata = subpixel.types.Metadata(delays=(40, 40, 40))
        subpixel.write(Picture(frames, metadata), path)
        assert read_header(path) == Header(header.format, Size(9, 8), 3, 8)


def test_from_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrating, "SIDE", 48)
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert subpixel.upscale(picture, scale=2, within=60).shape == (40, 60, 3)
    with pytest.raises(SettingError, match="within is 0"):
        subpixel.upscale(picture, within=0)
