"""Running the command in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import subpixel
from subpixel.cli.main import invoke


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


Command = Callable[..., Ran]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run `subpixel` with some words; standard output and error are those of the process, libvips's included."""
    monkeypatch.setenv("COLUMNS", "120")

    def call(*words: object) -> Ran:
        capfd.readouterr()
        code = invoke([str(word) for word in words])
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return Ran(code, out, err)

    return call


def draw(path: Path, height: int = 20, width: int = 30, seed: int = 0) -> Path:
    """Write a small picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (1, height, width, 3), dtype=np.uint8)
    subpixel.write(subpixel.Picture(pixels), path)
    return path
