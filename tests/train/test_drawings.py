"""Drawings that the program makes itself to learn from and to round by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from subpixel_train.data import DataSettings, drawn_pairs, inputs, make_batches, training_photographs  # noqa: E402
from subpixel_train.data.drawings import SIDE, Drawing, draw  # noqa: E402
from subpixel_train.networks.plain import Plain, PlainSettings  # noqa: E402

NETWORK = Plain(PlainSettings(width=8, depth=1), 4)


def test_a_drawing_follows_from_its_number() -> None:
    drawing = Drawing(3)
    pixels = drawing.read()
    assert pixels.shape == (*drawing.size(), 3) == (SIDE, SIDE, 3)
    assert pixels.dtype == np.uint8
    assert drawing.name == "drawing 3"
    assert np.array_equal(pixels, draw(3))
    assert not np.array_equal(pixels, draw(4))


def test_drawings_have_edges_from_black_to_white_and_even_areas() -> None:
    steps = np.concatenate([np.abs(np.diff(draw(n).astype(int), axis=1)).max(-1).ravel() for n in range(6)])
    assert steps.max() == 255
    assert 0.5 < (steps == 0).mean() < 0.98


def test_drawings_are_learned_from_and_never_held_out(photos: Path) -> None:
    settings = DataSettings(folders=["photos"], crop=16, held_out=2, drawings=5)
    train, held_out = training_photographs(photos, settings)
    assert [one.name for one in train[-5:]] == [f"drawing {n}" for n in range(5)]
    without = training_photographs(photos, settings.model_copy(update={"drawings": 0}))
    assert (train[:-5], held_out) == without
    names = [example.name for example in make_batches(train, settings, NETWORK, seed=1, quiet=True).examples]
    assert names[-5:] == [f"drawing {n}" for n in range(5)]


def test_drawings_to_round_by_are_no_training_s() -> None:
    pairs = list(drawn_pairs(NETWORK, 2))
    assert not any(np.array_equal(pair.targets[0], draw(n)) for pair in pairs for n in range(3))
    (small, _) = inputs(NETWORK, pairs)
    assert small.shape == (1, 1, SIDE // 4, SIDE // 4)
    assert float(small.min()) == pytest.approx(16 / 255, abs=0.02)
    assert float(small.max()) == pytest.approx(235 / 255, abs=0.02)
