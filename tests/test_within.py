"""The best picture that fits a time: what is chosen, what is measured, what is said."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

import subpixel
from subpixel import calibrating, within, zoo
from subpixel.calibrating import Machine, Measured
from subpixel.engines import nominal_gflops
from subpixel.errors import PictureMissing, PictureTooLarge, PictureUnreadable, SettingError
from subpixel.image.header import Header, read_header
from subpixel.plan import Target
from subpixel.types import Coding, Picture, Precision, Size
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
        return self.TIMES[zoo.card(model).family.partition("-")[0]] * (2 if precision == "fp32" else 1) * 1e-6

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


def test_more_than_a_year_is_refused() -> None:
    for text in ("8761h", "9" * 400 + "h"):
        with pytest.raises(SettingError, match="over a year"):
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
    (key,) = rows
    odd = (f'{{"{key}": [{size}, {time.time()}]}}' for size in ("1" + "0" * 400, "Infinity", "NaN", "-1"))
    for broken in ("", "[]", '{"a": 1}', '{"a": ["b", "c"]}', "[" * 100_000, *odd):
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
    assert not header.alpha
    assert header.coding == subpixel.read(tmp_path / f"a.{suffix}").coding
    frames = np.random.default_rng(0).integers(0, 256, (3, 8, 9, 3), dtype=np.uint8)
    if suffix in ("gif", "webp"):
        path = tmp_path / f"b.{suffix}"
        metadata = subpixel.types.Metadata(delays=(40, 40, 40))
        subpixel.write(Picture(frames, metadata), path)
        found = read_header(path)
        assert (found.format, found.size, found.frames, found.bits) == (header.format, Size(9, 8), 3, 8)


@pytest.mark.parametrize("name", [b"\xff\xfe.png", b"scan[2]", b"a[page=7].png", b"b.png:1"])
def test_headers_of_files_with_any_name(tmp_path: Path, name: bytes) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    draw(tmp_path / "plain.png").rename(path)
    assert read_header(path) == Header("png", Size(30, 20))


def test_headers_are_asked_for_with_errors_for_people(tmp_path: Path) -> None:
    source = draw(tmp_path / "a.png")
    with pytest.raises(PictureTooLarge, match="30×20 pixels, over 599"):
        read_header(source, pixel_limit=599)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(PictureUnreadable, match="not a regular file"):
        read_header(tmp_path / "pipe.png")
    with pytest.raises(PictureMissing):
        read_header(tmp_path / "none.png")
    for suffix in ("png", "webp", "tif", "bmp"):
        pixels = np.random.default_rng(0).integers(0, 256, (1, 8, 9, 4), dtype=np.uint8)
        subpixel.write(Picture(pixels), tmp_path / f"b.{suffix}")
        assert read_header(tmp_path / f"b.{suffix}").alpha


@pytest.mark.usefixtures("line")
def test_time_that_measuring_takes_is_time_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring takes 20 s by a clock that stands still otherwise; nothing is chosen that does not fit what is left."""
    now = 0.0
    measured: set[tuple[str, str]] = set()

    class Slow(Known):
        def known(self, model: str, precision: Precision) -> float | None:
            return super().known(model, precision) if (model, precision) in measured else None

        def measure(self, model: str, precision: Precision, *, again: bool = False) -> Measured:
            nonlocal now
            now += 20.0 * ((model, precision) not in measured)
            measured.add((model, precision))
            return super().measure(model, precision)

    monkeypatch.setattr(within, "time", SimpleNamespace(perf_counter=lambda: now))
    for seconds in range(5, 300, 5):
        measured.clear()
        fit = choose_within(seconds, (WORK,), (Target(4),), Slow(2))
        assert fit.fits == (fit.seconds <= seconds), fit.line


@pytest.mark.usefixtures("line")
def test_squeezed_pictures_are_planned_with_their_own_networks() -> None:
    squeezed, unsure = (Work(WORK.header, (None,), restore) for restore in (True, None))
    line = _fit(4, squeezed).line
    assert line.startswith("crisp-restore in fp32: about ")
    assert "if nothing" not in line
    assert " of 4 s if nothing has to be restored; crisp eight-fold in bf16 " in _fit(4, unsure).line
    assert "if nothing" not in _fit(4).line
    assert _fit(9, WORK, squeezed).line.startswith("crisp and crisp-restore in fp32")


@pytest.mark.usefixtures("line")
def test_alpha_goes_through_the_network_too() -> None:
    alpha = Work(Header("png", SIZE, alpha=True), (None,))
    assert _fit(14).line.startswith("fine in bf16")
    assert _fit(14, alpha).line.startswith("crisp in fp32")


def test_resampling_is_called_so_and_nothing_else() -> None:
    fit = choose_within(5, (WORK,), (Target(0.5),), Known(2))
    assert fit.line.startswith("resampling: about ")
    assert not fit.eightfold


def test_what_is_not_known_follows_from_the_network_nearest_in_size() -> None:
    times = {"swift-x4": 1e-6, "crisp-x4": 50e-6}

    class Some(Machine):
        def precisions(self, model: str, *, bits: int = 8) -> tuple[Precision, ...]:
            return ("fp32",)

        def known(self, model: str, precision: Precision) -> float | None:
            return times.get(model) if precision == "fp32" else None

    for name, near in (("swift-x3", "swift-x4"), ("crisp-x3", "crisp-x4"), ("crisp-x2", "crisp-x4")):
        expected = times[near] * zoo.card(name).work / zoo.card(near).work
        assert within._guess(name, "fp32", Some(1)) == pytest.approx(expected)
    slower = nominal_gflops("fp32") / nominal_gflops("bf16")
    assert within._guess("crisp-x4", "bf16", Some(1)) == pytest.approx(50e-6 * slower)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.034, "34 ms"), (1.25, "1.2 s"), (89, "89 s"), (210, "3.5 min"), (1200, "20 min"), (5400, "1.5 h")],
)
def test_times_are_told_shortly(seconds: float, told: str) -> None:
    assert within._told(seconds) == told
    assert within._told(1e9) == "277,778 h"


def test_from_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrating, "SIDE", 48)
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert subpixel.upscale(picture, scale=2, within=60).shape == (40, 60, 3)
    assert subpixel.upscale(picture, scale=2, within="1m").shape == (40, 60, 3)
    for wrong in (0, -1, float("nan"), True, [5]):
        with pytest.raises(SettingError, match="within is"):
            subpixel.upscale(picture, within=wrong)  # type: ignore[call-overload]
    with pytest.raises(SettingError, match="the time is 'soon'"):
        subpixel.upscale(picture, within="soon")
    with pytest.raises(SettingError, match="both quality and within"):
        subpixel.upscale(picture, within=5, quality="best")


def test_python_plans_what_it_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Work] = []

    def spied(seconds: float, works: list[Work], *rest: object, **more: object) -> Fit:
        seen.extend(works)
        return Fit("fast", False, "fp32", 1.0, True, "")

    monkeypatch.setattr(within, "choose_within", spied)
    flat = np.full((1, 16, 16, 4), 255, np.uint8)
    clear = flat.copy()
    clear[:, 3, 3, 3] = 7
    squeezed = Picture(flat[..., :3], coding=Coding("JPEG", 40))
    for picture, restore in ((Picture(flat), None), (Picture(clear), None), (squeezed, None), (squeezed, False)):
        within.best_upscaler(picture, (Target(2),), 10, restore=restore).close()
    within.best_upscaler(squeezed, (Target(2),), 10, model="crisp-restore").close()
    assert [work.header.alpha for work in seen] == [False, True, False, False, False]
    assert [work.restore for work in seen] == [False, False, True, False, False]
