"""Pictures read, computed and written in strips: the same files as from the whole in memory, whatever the file."""

from __future__ import annotations

import io
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from subpixel import image
from subpixel.errors import DiskFull, OutputUnwritable, PictureUnreadable
from subpixel.image import alpha, streaming, turning
from subpixel.image.alpha import coarse_levels, fill_transparent
from subpixel.image.header import read_header
from subpixel.pipeline import Held, filled_strips
from subpixel.plan import Target
from subpixel.tile import as_planes
from subpixel.types import Metadata, Picture, Pixels, Size
from subpixel.upscaler import Upscaler

pyvips = pytest.importorskip("pyvips")
linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
NEVER = 10**12


def _pixels(height: int, width: int, channels: int = 3, dtype: type = np.uint8) -> Pixels:
    """Waves and noise; alpha with a hole, a rim of half-transparent pixels, and opaque areas."""
    rng = np.random.default_rng(height * width)
    y, x = np.mgrid[:height, :width]
    made = np.stack([np.sin(x / (5 + c)) * np.cos((y + x) / (9 - c)) for c in range(channels)], axis=2)
    made = 0.5 + 0.4 * made + 0.03 * rng.standard_normal(made.shape)
    if channels in (2, 4):
        away = np.hypot(y - height / 2, x - width / 3) / max(height, width)
        made[..., -1] = np.clip((away - 0.15) * 20, 0, 1)
    return (np.clip(made, 0, 1) * np.iinfo(dtype).max).round().astype(dtype)


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that can be is read in strips, of a few rows each."""
    monkeypatch.setattr(streaming, "STREAMED_FROM", 0)
    monkeypatch.setattr(streaming, "_STRIP_BYTES", 1)
    monkeypatch.setattr(turning, "_SIDE", 48)
    monkeypatch.setattr(alpha, "_COARSE", 200)


def _both(source: Path, suffix: str, factor: float, upscaler: Upscaler, **options: bool) -> tuple[bytes, bytes]:
    """Files made in strips and in memory."""
    assert isinstance(image.open_picture(source), image.PictureStream)
    names = [source.with_name(f"{name}{suffix}") for name in ("strips", "memory")]
    upscaler.file(source, names[0], Target(factor), overwrite=True, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming, "STREAMED_FROM", NEVER)
        patch.setattr(alpha, "_COARSE", NEVER)
        assert isinstance(image.open_picture(source), Picture)
        upscaler.file(source, names[1], Target(factor), overwrite=True, **options)
    return names[0].read_bytes(), names[1].read_bytes()


KINDS = [(channels, dtype) for channels in (1, 2, 3, 4) for dtype in (np.uint8, np.uint16)]


@pytest.mark.parametrize(("channels", "dtype"), KINDS)
@pytest.mark.parametrize(
    ("before", "after"), [(".png", ".tif"), (".tif", ".png"), (".jpg", ".jpg"), (".png", ".webp"), (".tif", ".jpg")]
)
def test_the_same_file_as_from_memory(
    streams: None, tmp_path: Path, before: str, after: str, channels: int, dtype: type
) -> None:
    if before == ".jpg" and (channels % 2 == 0 or dtype == np.uint16):
        pytest.skip("JPEG holds neither alpha nor 16 bits")
    source = tmp_path / f"a{before}"
    image.write(Picture(_pixels(117, 71, channels, dtype)[None]), source)
    for factor in (2, 0.7, 4.4):
        strips, memory = _both(source, after, factor, Upscaler("espcn", tile=50, threads=2, precision="fp32"))
        assert strips == memory


def test_the_same_file_at_a_moderate_size(streams: None, tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    image.write(Picture(_pixels(1100, 1500)[None]), source)
    strips, memory = _both(source, ".jpg", 2, Upscaler("swift", threads=2))
    assert strips == memory


def test_every_choice_is_the_same(streams: None, tmp_path: Path) -> None:
    """Whether a picture is squeezed is told by its first rows, which go on into the network."""
    image.write(Picture(_pixels(300, 200)[None]), tmp_path / "squeezed.jpg", quality=30)
    image.write(image.read(tmp_path / "squeezed.jpg"), tmp_path / "a.png")
    with Upscaler(quality="fast") as upscaler:
        strips, memory = _both(tmp_path / "a.png", ".png", 2, upscaler)
        assert strips == memory
        (made,) = upscaler.files(tmp_path / "a.png", [tmp_path / "c.png"], [Target(2)])
    assert made.chosen.restore and "was once a JPEG" in made.chosen.reason


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_turned_upright(streams: None, tmp_path: Path, suffix: str, orientation: int) -> None:
    source = tmp_path / f"a{suffix}"
    stored = pyvips.Image.new_from_memory(_pixels(131, 77).tobytes(), 77, 131, 3, "uchar").copy(interpretation="srgb")
    stored.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    stored.copy(xres=4, yres=8).write_to_file(str(source))
    strips, memory = _both(source, suffix, 2, Upscaler("espcn", engine="fake", tile=32))
    assert strips == memory
    with image.open_picture(source) as stream:
        assert isinstance(stream, image.PictureStream)
        whole = image.read(source)
        assert (stream.size, stream.metadata, stream.notes) == (whole.size, whole.metadata, whole.notes)
        for _ in range(2):
            np.testing.assert_array_equal(np.concatenate(list(stream.strips())), whole.pixels[0])


def test_turning_needs_room(streams: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = pyvips.Image.black(90, 60, bands=3).copy(interpretation="srgb")
    stored.set_type(pyvips.GValue.gint_type, "orientation", 6)
    stored.write_to_file(str(tmp_path / "a.jpg"))
    monkeypatch.setattr("subpixel.image.turning.shutil.disk_usage", lambda place: type("Usage", (), {"free": 1000})())
    with pytest.raises(DiskFull, match=r"a\.jpg cannot be turned upright: that takes 0\.0 GB in"):
        Upscaler("espcn", engine="fake").file(tmp_path / "a.jpg", tmp_path / "b.jpg", Target(2))
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (97, 131), (256, 64), (257, 255)])
@pytest.mark.parametrize("coarse", [1, 50, 5000])
def test_filling_in_strips(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], coarse: int) -> None:
    """Byte for byte what the whole picture gives, for holes larger than any strip, too."""
    monkeypatch.setattr(alpha, "_COARSE", coarse)
    monkeypatch.setattr("subpixel.pipeline._ROWS", 8)
    for channels in (2, 4):
        pixels = _pixels(*size, channels)
        pixels[size[0] // 5 : -size[0] // 5 or None, :, -1] = 0
        planes = as_planes(np.ascontiguousarray(np.moveaxis(pixels, 2, 0)))
        whole = np.concatenate((fill_transparent(planes[:-1], planes[-1]), planes[-1:]))
        np.testing.assert_array_equal(np.concatenate(list(filled_strips(Held(pixels))), axis=1), whole)
    assert coarse_levels(Size(40_000, 25_000)) <= 6


def test_the_same_metadata(streams: None, tmp_path: Path) -> None:
    """EXIF, ICC, XMP, resolution and comments, as on the way through memory."""
    from tests.image.pictures import SRGB, exif

    metadata = Metadata(exif=exif(), icc=SRGB, dpi=(300.0, 300.0), comments=(("Comment", "grüße"),))
    image.write(Picture(_pixels(60, 50)[None], metadata), tmp_path / "a.jpg")
    strips, memory = _both(tmp_path / "a.jpg", ".jpg", 2, Upscaler("espcn", engine="fake"))
    assert strips == memory
    made = image.read(tmp_path / "strips.jpg").metadata
    assert made.exif is not None and made.icc == metadata.icc and made.dpi == metadata.dpi


def test_cut_short(streams: None, tmp_path: Path) -> None:
    """It is told, in the middle of the work, and nothing is left."""
    for suffix in (".png", ".jpg", ".tif"):
        whole = io.BytesIO()
        image.write(Picture(_pixels(300, 200)[None]), tmp_path / f"a{suffix}")
        whole.write((tmp_path / f"a{suffix}").read_bytes())
        (tmp_path / f"a{suffix}").write_bytes(whole.getvalue()[: int(whole.tell() * 0.6)])
        with pytest.raises(PictureUnreadable, match="is damaged or cut short"):
            Upscaler("espcn", engine="fake").file(tmp_path / f"a{suffix}", tmp_path / "b.png", Target(2))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jpg", "a.png", "a.tif"]


def test_small_damage_is_noted(streams: None, tmp_path: Path) -> None:
    """A JPEG with some bytes too many between its parts is read, and that is said: both ways alike."""
    image.write(Picture(_pixels(300, 200)[None]), tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    at = data.index(b"\xff\xda") + 2000
    (tmp_path / "a.jpg").write_bytes(data[:at] + b"\xff\xd5" + data[at:])
    strips, memory = _both(tmp_path / "a.jpg", ".png", 2, Upscaler("espcn", engine="fake"))
    assert strips == memory
    (made,) = Upscaler("espcn", engine="fake").files(tmp_path / "a.jpg", [tmp_path / "c.png"], [Target(2)])
    assert any("file is damaged, but was read" in note for note in made.notes)


def _pages(path: Path) -> list[tuple[int, int, int]]:
    """Width, height and NewSubfileType of the pages of a little-endian TIFF, classic or big."""
    data = path.read_bytes()
    big = data[2] == 43
    (at,) = struct.unpack_from("<Q" if big else "<I", data, 8 if big else 4)
    found = []
    while at:
        (count,) = struct.unpack_from("<Q" if big else "<H", data, at)
        at, tags = at + (8 if big else 2), {}
        for _ in range(count):
            tag, kind, _ = struct.unpack_from("<HHQ" if big else "<HHI", data, at)
            tags[tag] = struct.unpack_from("<H" if kind == 3 else "<I", data, at + (12 if big else 8))[0]
            at += 20 if big else 12
        found.append((tags[256], tags[257], tags.get(254, 0)))
        (at,) = struct.unpack_from("<Q" if big else "<I", data, at)
    return found


def test_pyramids(streams: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles with smaller copies, on request or above a size; read again, it is the one picture."""
    image.write(Picture(_pixels(700, 500)[None]), tmp_path / "a.png")
    upscaler = Upscaler("espcn", engine="fake")
    upscaler.file(tmp_path / "a.png", tmp_path / "plain.tif", Target(2))
    assert _pages(tmp_path / "plain.tif") == [(1000, 1400, 0)]
    strips, memory = _both(tmp_path / "a.png", ".tif", 2, upscaler, pyramid=True)
    assert strips == memory
    pages = _pages(tmp_path / "strips.tif")
    assert pages[:2] == [(1000, 1400, 0), (500, 700, 1)] and all(kind == 1 for _, _, kind in pages[1:])
    monkeypatch.setattr("subpixel.image.saving.PYRAMID_FROM", 1000)
    upscaler.file(tmp_path / "a.png", tmp_path / "by-size.tif", Target(2))
    assert (tmp_path / "by-size.tif").read_bytes() == strips
    monkeypatch.setattr("subpixel.image.saving._MOST_CLASSIC_TIFF", 1000)
    upscaler.file(tmp_path / "a.png", tmp_path / "big.tif", Target(2))
    assert _pages(tmp_path / "big.tif") == pages and (tmp_path / "big.tif").read_bytes()[2] == 43
    upscaler.file(tmp_path / "a.png", tmp_path / "none.tif", Target(2), pyramid=False)
    assert _pages(tmp_path / "none.tif") == [(1000, 1400, 0)]
    whole = image.read(tmp_path / "plain.tif").pixels
    for name in ("strips", "big", "none"):
        read = image.read(tmp_path / f"{name}.tif")
        np.testing.assert_array_equal(read.pixels, whole)
        assert read.notes == ()
        header = read_header(tmp_path / f"{name}.tif")
        assert (header.frames, header.size) == (1, Size(1000, 1400))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_is_laid_on_white_row_by_row(streams: None, tmp_path: Path, dtype: type) -> None:
    """As from the whole, with the same notes; what is opaque goes silently."""
    for name, pixels in (("hole", _pixels(90, 80, 4, dtype)), ("opaque", _pixels(90, 80, 4, dtype))):
        if name == "opaque":
            pixels[..., 3] = np.iinfo(dtype).max
        image.write(Picture(pixels[None]), tmp_path / f"{name}.png")
        upscaler = Upscaler("espcn", tile=40)
        (made,) = upscaler.files(tmp_path / f"{name}.png", [tmp_path / f"{name}.jpg"], [Target(2)])
        whole = upscaler.picture(image.read(tmp_path / f"{name}.png"), Target(2)).picture
        notes = image.write(whole, tmp_path / f"whole-{name}.jpg")
        assert (tmp_path / f"{name}.jpg").read_bytes() == (tmp_path / f"whole-{name}.jpg").read_bytes()
        assert sorted(made.notes) == sorted(notes)
        assert any("laid on white" in note for note in notes) == (name == "hole")


def test_too_wide_for_jpeg_is_told_before_any_work(tmp_path: Path) -> None:
    image.write(Picture(np.zeros((1, 600, 30_000, 3), np.uint8)), tmp_path / "a.png")
    with pytest.raises(OutputUnwritable, match=r"JPEG holds at most 65500 .* 90000×1800: write \.png or \.tif"):
        Upscaler("espcn", engine="fake").file(tmp_path / "a.png", tmp_path / "b.jpg", Target(3))


def test_a_full_disk_is_told_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image.write(Picture(np.zeros((1, 4000, 5000, 3), np.uint8)), tmp_path / "a.png")
    monkeypatch.setattr("subpixel.image.room.shutil.disk_usage", lambda place: type("Usage", (), {"free": 10**7})())
    with pytest.raises(DiskFull, match=r"has 0\.0 GB free, and the results need more than 0\.4 GB"):
        Upscaler("espcn", engine="fake").file(tmp_path / "a.png", tmp_path / "b.png", Target(4))


@linux
def test_memory_does_not_grow_with_the_picture(tmp_path: Path) -> None:
    """A picture four times as high takes no more memory, from file to file."""
    code = "import sys; from subpixel.cli.start import main; sys.argv[0] = 'subpixel'; main()"
    peaks = []
    for height in (4000, 16_000):
        rows = _pixels(500, 4200)
        tall = pyvips.Image.new_from_memory(rows.tobytes(), 4200, 500, 3, "uchar").replicate(1, height // 500)
        tall.copy(interpretation="srgb").jpegsave(str(tmp_path / "a.jpg"))
        words = ["upscale", "a.jpg", "-o", "b.jpg", "-s", "0.5", "--overwrite", "--model", "espcn", "--threads", "2"]
        process = subprocess.Popen([sys.executable, "-c", code, *words], cwd=tmp_path, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        assert status == 0
        peaks.append(used.ru_maxrss / 1000)
    assert image.read(tmp_path / "b.jpg").size == Size(2100, 8000)
    assert peaks[1] < peaks[0] + 40, f"{peaks} MB; three quarters of the picture are {4200 * 12_000 * 3 / 1e6:.0f} MB"


@linux
def test_killed_while_streaming(tmp_path: Path) -> None:
    """Neither a half file under the result's name, nor what turning upright puts on the disk."""
    rows = pyvips.Image.new_from_memory(_pixels(500, 4200).tobytes(), 4200, 500, 3, "uchar").replicate(1, 8)
    rows = rows.copy(interpretation="srgb")
    rows.set_type(pyvips.GValue.gint_type, "orientation", 6)
    rows.jpegsave(str(tmp_path / "a.jpg"))
    code = "import sys; from subpixel.cli.start import main; sys.argv[0] = 'subpixel'; main()"
    words = [sys.executable, "-c", code, "upscale", "a.jpg", "-o", "b.tif", "--model", "espcn", "--threads", "1"]
    process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not any(path.stat().st_size > 10_000 for path in tmp_path.glob(".b*.partial")):
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = [path.name for path in tmp_path.iterdir() if path.name != "a.jpg"]
    assert all(name.startswith(".b.tif-") and name.endswith(".partial") for name in left) and len(left) == 1
