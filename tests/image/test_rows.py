"""Files coded from rows that come one after the other: the same bytes as from the whole picture."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from subpixel import image
from subpixel.errors import OutputUnwritable
from subpixel.image.rows import Rows, RowsEnded
from subpixel.types import Metadata, Picture, Size

BY_ROWS = [row for row in image.FORMATS if row.by_rows]


def _picture(height: int, width: int, channels: int, dtype: type = np.uint8, **metadata: object) -> Picture:
    top = np.iinfo(dtype).max
    pixels = np.random.default_rng(3).integers(0, top + 1, (1, height, width, channels), dtype=dtype)
    return Picture(pixels, Metadata(**metadata))  # type: ignore[arg-type]


def _by_rows(picture: Picture, path: Path, rows: int) -> tuple[str, ...]:
    with image.encoding(picture, picture.size, path) as encoder:
        for start in range(0, picture.size.height, rows):
            encoder.put(picture.pixels[0, start : start + rows])
        made = encoder.finish()
        made.settle()
    return made.notes


@pytest.mark.parametrize("row", BY_ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("height", "width", "rows"), [(1, 1, 1), (37, 100, 5), (333, 410, 64), (40, 3, 40)])
def test_same_bytes(
    tmp_path: Path, row: image.Format, channels: int, dtype: type, height: int, width: int, rows: int
) -> None:
    profile = b"\0" * 16 + (b"GRAY" if channels < 3 else b"RGB ") + b"\0" * 108
    picture = _picture(height, width, channels, dtype, dpi=(300.0, 300.0), icc=profile)
    whole, other = (tmp_path / f"{name}{row.suffixes[0]}" for name in "ab")
    assert image.takes_rows(picture, whole)
    assert sorted(_by_rows(picture, other, rows)) == sorted(image.write(picture, whole))  # notes
    assert other.read_bytes() == whole.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {whole.name, other.name}


def test_others_need_the_whole(tmp_path: Path) -> None:
    still = _picture(8, 8, 3)
    assert not any(image.takes_rows(still, tmp_path / f"a.{name}") for name in ("webp", "avif", "gif", "bmp", "ppm"))
    frames = Picture(np.zeros((2, 8, 8, 3), np.uint8), Metadata(delays=(40, 40)))
    assert not image.takes_rows(frames, tmp_path / "a.png")


@pytest.mark.parametrize("given", [0, 20, 99])
def test_not_all_rows(tmp_path: Path, given: int) -> None:
    """Nothing is left, and nobody waits for ever."""
    picture = _picture(100, 50, 3)
    with (
        pytest.raises(RuntimeError, match="stopped"),
        image.encoding(picture, picture.size, tmp_path / "a.png") as encoder,
    ):
        if given:
            encoder.put(picture.pixels[0, :given])
        raise RuntimeError("stopped")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_stops_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    picture = _picture(20_000, 800, 3)
    put = 0
    with pytest.raises(OutputUnwritable, match="the disk is full"), full.open("wb") as file:
        monkeypatch.setattr("subpixel.image.targets.Path.open", lambda *_: file)
        with image.encoding(picture, picture.size, tmp_path / "a.png") as encoder:
            for start in range(0, 20_000, 100):
                encoder.put(picture.pixels[0, start : start + 100])
                put += 1
            encoder.finish()
    assert put < 200
    assert list(tmp_path.iterdir()) == []


def test_who_makes_rows_waits_for_who_reads_them() -> None:
    rows = Rows(Size(1000, 20_000), 3, np.uint8)
    strip = np.zeros((1000, 1000, 3), np.uint8)
    put = 0

    def make() -> None:
        nonlocal put
        with pytest.raises(RowsEnded):
            for _ in range(20):
                rows.put(strip)
                put += 1

    thread = threading.Thread(target=make)
    thread.start()
    thread.join(0.5)
    assert thread.is_alive() and 5 <= put <= 7, "16 MB wait, no more"
    rows.end()
    thread.join(10)
    assert not thread.is_alive()
