"""Crops that never come twice alike: still pairs of a small picture and what it was made of."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from drawn import draw
from pydantic import ValidationError

from subpixel_train.data import DataSettings, make_batches, training_photographs
from subpixel_train.data.degrade import Jpeg, Pipeline, Resize
from subpixel_train.data.examples import Geometry, make_picture
from subpixel_train.data.pixels import levels, planes, reduced
from subpixel_train.data.variation import Variation, Varied
from subpixel_train.networks import build

RGB, LUMA = Geometry((2,), 0, channels=3, scale=2), Geometry((2,), 0, channels=1, scale=2)
STILL = Variation(smallest=1, kept=1, stretch=0, colours=0, tone=0, negative=0)


def varied(variation: Variation, height: int = 120, width: int = 160) -> Varied:
    return Varied("a", draw(height, width, 0), (2,), variation)


@pytest.mark.parametrize("name", ["espcn", "srcnn", "autoencoder", "two-basic", "rdn"])
@pytest.mark.parametrize("padded", [False, True])
def test_every_network_is_fed(photos: Path, name: str, padded: bool) -> None:
    import torch

    settings = DataSettings(folders=["photos"], crop=16, batch=3, vary=Variation(), flatness=0.01, held_out=1)
    network = build(name, 4 if name == "two-basic" else 2, padded=padded)
    photographs, _ = training_photographs(photos, settings)
    batches = make_batches(photographs, settings, network, seed=3)
    batch = batches.batch(7)
    with torch.no_grad():
        results = network.outputs(torch.from_numpy(batch.small))
    assert [tuple(result.shape) for result in results] == [target.shape for target in batch.targets]
    again = make_batches(photographs, settings, network, seed=3).batch(7)
    np.testing.assert_array_equal(batch.small, again.small)
    assert not np.array_equal(batch.small, batches.batch(8).small)


def test_the_small_picture_is_the_target_reduced() -> None:
    varying = varied(Variation(colours=1))
    for key in range(20):
        cut = varying.cut(RGB, 5, 9, 24, 20, (key,))
        expected = planes(reduced(levels(cut.targets[0]), 2))
        np.testing.assert_array_equal(cut.input[:, 2:-2, 2:-2], expected[:, 2:-2, 2:-2])


def test_of_a_network_on_enlarged_input_as_well() -> None:
    enlarged = Geometry((1,), 0, channels=1, enlarged=True, scale=2)
    photograph = draw(120, 160, 0)
    still = Varied("a", photograph, (2,), STILL, enlarged=True)
    assert still.shape == (120, 160)
    cut = still.cut(enlarged, 40, 40, 32, 32, (0,))
    np.testing.assert_array_equal(cut.targets[0], still.cut(enlarged, 40, 40, 32, 32, (1,)).targets[0])
    assert np.abs(cut.input - cut.targets[0]).mean() < 0.05


def test_without_variation_crops_are_those_of_the_picture() -> None:
    picture, still = make_picture("a", draw(120, 160, 0), (2,)), varied(STILL)
    for geometry in (RGB, LUMA):
        expected, cut = (one.cut(geometry, 10, 20, 24, 20, (1,)) for one in (picture, still))
        np.testing.assert_array_equal(cut.targets[0], expected.targets[0])
        np.testing.assert_array_equal(cut.input, expected.input)
    assert still.detail(10, 20, 24, 20) == pytest.approx(picture.detail(10, 20, 24, 20), abs=0.005)


def test_sizes_stay_in_their_range() -> None:
    slope = np.repeat(np.arange(0, 240, 0.5)[None, :, None], 400, 0).repeat(3, 2).astype(np.uint8)
    varying = Varied("a", slope, (2,), STILL.model_copy(update={"smallest": 0.5, "kept": 0.25, "stretch": 0.2}))
    cuts = [varying.cut(RGB, 50, 50, 20, 20, (key,)).targets[0][0] for key in range(200)]
    steps = np.array([(cut[20, -1] - cut[20, 0]) * 255 / (cut.shape[1] - 1) for cut in cuts])
    assert steps.min() > 0.45 and steps.max() < 0.5 / 0.5 * 1.1 + 0.05
    assert 0.15 < np.mean(np.abs(steps - 0.5) < 0.03) < 0.6 and np.mean(steps > 0.7) > 0.2


def test_negatives_tones_and_colours() -> None:
    def target(geometry: Geometry, key: int = 0, **changes: float) -> np.ndarray:
        cut = varied(STILL.model_copy(update=changes)).cut(geometry, 10, 20, 24, 20, (key,))
        assert cut.input.dtype == cut.targets[0].dtype == np.float32
        return cut.targets[0]

    plain = target(RGB)
    np.testing.assert_allclose(target(RGB, negative=1), 1 - plain, atol=1e-6)
    tones = [np.round(target(RGB, key, tone=1) * 255) for key in range(8)]
    for tone in tones:
        order = np.argsort(plain, axis=None)
        assert (np.diff(tone.ravel()[order]) >= 0).all()
    assert max(tone.mean() for tone in tones) > 1.1 * min(tone.mean() for tone in tones)
    ways = list(itertools.permutations(range(3)))
    seen = set()
    for key in range(9):
        permuted = target(RGB, key, colours=1)
        seen.add(next(way for way in ways if np.array_equal(permuted, plain[list(way)])))
    assert len(seen) > 2
    lumas = [target(LUMA, key, colours=1) for key in range(4)]
    assert all(np.abs(one - other).max() > 0.01 for one, other in itertools.pairwise(lumas))
    assert all(one.min() >= 16 / 255 - 1e-6 and one.max() <= 235 / 255 + 1e-6 for one in lumas)


def test_varied_crops_can_be_degraded() -> None:
    """With nothing but the usual reduction the small picture is the clean one; JPEG never changes the target."""
    loose = Variation(colours=1)
    for key in range(20):
        clean = Varied("a", draw(240, 320, 0), (2,), loose, pipeline=Pipeline((Resize(),)))
        cut, done = clean.drawn(RGB, 30, 40, 24, 20, (key,))
        expected = planes(reduced(levels(cut.targets[0]), 2))
        np.testing.assert_array_equal(cut.input[:, 2:-2, 2:-2], expected[:, 2:-2, 2:-2])
        assert done[-1] == Resize().draw(np.random.default_rng(0)).caption and any("colours" in line for line in done)

    squeezed = Varied("a", draw(240, 320, 0), (2,), STILL, pipeline=Pipeline((Resize(), Jpeg(quality=(20, 20)))))
    still = varied(STILL, 240, 320)
    for geometry in (RGB, LUMA):
        cut, expected_cut = (one.cut(geometry, 30, 40, 24, 20, (1,)) for one in (squeezed, still))
        np.testing.assert_array_equal(cut.targets[0], expected_cut.targets[0])
        assert 0.003 < np.abs(cut.input - expected_cut.input).mean() < 0.1
        assert not np.array_equal(cut.input, squeezed.cut(geometry, 30, 40, 24, 20, (2,)).input), (
            "another grid of blocks"
        )


def test_degraded_input_of_a_network_on_enlarged_input() -> None:
    enlarged = Geometry((1,), 0, channels=1, enlarged=True, scale=2)
    example = Varied("a", draw(120, 160, 0), (2,), Variation(), enlarged=True, pipeline=Pipeline((Jpeg(),)))
    for key in range(10):
        cut = example.cut(enlarged, 3, 100, 32, 40, (key,))
        assert cut.input.shape == cut.targets[0].shape == (1, 32, 40)
        assert np.abs(cut.input - cut.targets[0]).mean() < 0.1


def test_a_photograph_as_small_as_a_crop() -> None:
    for key in range(5):
        cut = varied(Variation(), 48, 50).cut(LUMA, 0, 0, 24, 24, (key,))
        assert cut.input.shape == (1, 24, 24) and cut.targets[0].shape == (1, 48, 48)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"sizes": [0.5]}, "vary does not go with data.sizes"),
        ({"mode": "tiles"}, "vary does not go with mode tiles"),
        ({"vary": {"smallest": 0}}, "greater than 0"),
        ({"vary": {"size": 1}}, "not permitted"),
    ],
)
def test_what_does_not_go_together_is_refused(more: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        DataSettings.model_validate({"folders": ["photos"], "vary": {}, **more})
