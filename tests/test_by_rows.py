"""Results that are coded while they are computed: the same files, and less memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import subpixel
from subpixel import image
from subpixel.plan import Target
from subpixel.types import Picture, Size
from subpixel.upscaler import Upscaler

linux = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")


def _picture(height: int, width: int, channels: int = 3, dtype: type = np.uint8) -> Picture:
    y, x = np.mgrid[:height, :width]
    waves = np.stack([np.sin(x / (5 + c)) * np.cos((y + x) / (9 - c)) for c in range(channels)], axis=2)
    return Picture(((waves * 0.5 + 0.5) * np.iinfo(dtype).max).round().astype(dtype)[None])


@pytest.mark.parametrize(
    ("suffix", "channels", "dtype"),
    [
        (".png", 1, np.uint8),
        (".png", 3, np.uint16),
        (".png", 4, np.uint8),
        (".jpg", 1, np.uint8),
        (".jpg", 3, np.uint8),
        (".tif", 3, np.uint8),
        (".tif", 2, np.uint16),
    ],
)
@pytest.mark.parametrize("factor", [2, 0.7, 2.6])
def test_same_file_as_from_the_whole(tmp_path: Path, suffix: str, channels: int, dtype: type, factor: float) -> None:
    image.write(_picture(130, 97, channels, dtype), tmp_path / f"a{suffix}")
    upscaler = Upscaler("espcn", tile=40, threads=2)
    upscaler.file(tmp_path / f"a{suffix}", tmp_path / f"b{suffix}", Target(factor))
    source = image.read(tmp_path / f"a{suffix}")
    image.write(upscaler.picture(source, Target(factor)).picture, tmp_path / f"c{suffix}")
    assert (tmp_path / f"b{suffix}").read_bytes() == (tmp_path / f"c{suffix}").read_bytes()


def test_several_results_some_by_rows(tmp_path: Path) -> None:
    """Two files of one size, one of another, and one whose format needs the whole result of its size."""
    image.write(_picture(60, 80), tmp_path / "a.png")
    names, factors = ["b.png", "c.jpg", "d.tif", "e.webp"], [2, 2, 3, 4]
    upscaler = Upscaler("espcn", tile=32)
    rows = upscaler.files(tmp_path / "a.png", [tmp_path / name for name in names], [Target(f) for f in factors])
    assert [row.after for row in rows] == [Size(80 * f, 60 * f) for f in factors]
    source = image.read(tmp_path / "a.png")
    for name, factor in zip(names, factors, strict=True):
        whole = tmp_path / f"whole-{name}"
        image.write(upscaler.picture(source, Target(factor)).picture, whole)
        assert (tmp_path / name).read_bytes() == whole.read_bytes()


@linux
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_killed_in_the_middle(tmp_path: Path, suffix: str) -> None:
    image.write(_picture(2000, 1500), tmp_path / "a.ppm")
    code = "import sys; from subpixel.cli.start import main; sys.argv[0] = 'subpixel'; main()"
    words = [sys.executable, "-c", code, "upscale", "a.ppm", "-o", f"b{suffix}", "--model", "espcn"]
    process = subprocess.Popen(
        [*words, "--threads", "1"], cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    until = time.monotonic() + 60
    while not any(path.stat().st_size > 10_000 for path in tmp_path.glob(".b*.partial")):
        assert process.poll() is None and time.monotonic() < until, "it should be coded while it is computed"
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err.strip()) == (130, "subpixel: stopped")
    assert [path.name for path in tmp_path.iterdir()] == ["a.ppm"]


_FULL = """
import resource, sys
from subpixel.errors import OutputUnwritable
from subpixel.plan import Target
from subpixel.upscaler import Upscaler
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
seen = []
try:
    Upscaler("espcn", engine="fake", tile=64, threads=1).file(
        "a.ppm", "b.png", Target(2), progress=lambda done, total: seen.append(done / total))
except OutputUnwritable as error:
    print(error)
    print(max(seen, default=0))
"""


@linux
def test_full_disk_in_the_middle(tmp_path: Path) -> None:
    """It is said, nothing is left, and what nobody can keep is not computed."""
    noise = np.random.default_rng(1).integers(0, 256, (1, 6000, 700, 3), dtype=np.uint8)
    image.write(Picture(noise), tmp_path / "a.ppm")
    done = subprocess.run([sys.executable, "-c", _FULL], cwd=tmp_path, capture_output=True, text=True, check=True)
    said, reached = done.stdout.strip().splitlines()
    assert "b.png cannot be written" in said and "larger than the system allows" in said
    assert 0 < float(reached) < 0.9
    assert [path.name for path in tmp_path.iterdir()] == ["a.ppm"]


_MEMORY = """
import sys
from pathlib import Path
from subpixel.plan import Target
from subpixel.upscaler import Upscaler

def field(name):
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if name in line)

source, first, target, model, engine, factor = sys.argv[1:]
upscaler = Upscaler(model, engine=engine, threads=2)
upscaler.file(first, "first" + target, Target(float(factor)))
before = field("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
upscaler.file(source, target, Target(float(factor)))
print(field("VmHWM") // 1000, (field("VmHWM") - before) // 1000)
"""


def _memory(folder: Path, *words: str) -> tuple[int, int]:
    """Peak memory of a process that makes two pictures larger, and what the second added, MB."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", _MEMORY, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, env=environment)
    peak, added = done.stdout.split()
    return int(peak), int(added)


@linux
def test_a_result_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    image.write(_picture(9000, 700), tmp_path / "a.ppm")
    image.write(_picture(600, 700), tmp_path / "first.ppm")
    source, result = 9000 * 700 * 3 / 1e6, 9000 * 700 * 3 * 9 / 1e6
    _, added = _memory(tmp_path, "a.ppm", "first.ppm", "b.jpg", "espcn", "fake", "3")
    assert result > 165
    assert added < 2 * source + 80


@linux
def test_twelve_megapixels_in_little_memory(tmp_path: Path) -> None:
    """400 MB are promised for the whole process; measured is half of it."""
    image.write(_picture(1500, 2000), tmp_path / "a.jpg")
    image.write(_picture(100, 200), tmp_path / "first.jpg")
    peak, _ = _memory(tmp_path, "a.jpg", "first.jpg", "b.jpg", "espcn", "openvino", "2")
    assert subpixel.read(tmp_path / "b.jpg").size == Size(4000, 3000)
    assert peak < 350
