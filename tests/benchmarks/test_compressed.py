"""Squeezed pictures: how they are made, and what is promised of them."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

import subpixel
from subpixel.measure import psnr, read_pixels

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SCENE = BENCHMARKS.parent / "examples" / "scene.png"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="runs in a checkout of the project")


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def test_every_way_gives_a_file_of_the_same_picture(load, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    scene = np.ascontiguousarray(read_pixels(SCENE)[..., :3])
    found = {}
    for way in load("squeezing").WAYS:
        path = tmp_path / "squeezed"
        path.write_bytes(way.file(scene))
        again = subpixel.read(path).pixels[0].astype(np.uint8)
        assert again.shape == scene.shape
        found[way.name] = psnr(scene, again)
    assert found["not compressed"] == float("inf")
    assert found["JPEG 30"] < found["JPEG 50"] < found["JPEG 70"] < found["JPEG 90"]
    assert found["JPEG 80, then 50"] < found["JPEG 50"]
    assert 20 < found["WebP 50"] < 45


def test_chroma_is_halved_at_every_quality(load) -> None:  # type: ignore[no-untyped-def]
    file = load("squeezing").jpeg(np.zeros((32, 32, 3), np.uint8), 95)
    start = file.index(b"\xff\xc0")  # the frame's header: length, bits, height, width, components
    assert file[start + 11] == 0x22  # of the first component: twice as many samples as the others, both ways


def test_promises_about_restoring(load) -> None:  # type: ignore[no-untyped-def]
    compressed = load("compressed")
    ways = load("squeezing").WAYS

    def row(how: str, squeezed: float, clean: float):  # type: ignore[no-untyped-def]
        values = tuple(clean if way.name == "not compressed" else squeezed for way in ways)
        return compressed.Row(compressed.Method("crisp", how, "crisp-x2"), 2, values, values)

    kept = compressed.promises([row("clean", 28, 34), row("restore", 28.5, 33), row("auto", 28.5, 33.95)])
    assert [line.rpartition("(")[2] for line in kept] == ["kept)", "kept)"]
    broken = compressed.promises([row("clean", 28, 34), row("restore", 28.2, 33), row("auto", 28.5, 33.5)])
    assert [line.rpartition("(")[2] for line in broken] == ["BROKEN)", "BROKEN)"]
    assert "+0.20 dB" in broken[0]
