"""How the learning rate runs."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

import itertools

from pydantic import ValidationError

from subpixel_train.train.optimiser_settings import OptimiserSettings
from subpixel_train.train.schedule import share


def shares(settings: OptimiserSettings, steps: int, epoch_steps: int = 1) -> list[float]:
    return [share(settings, step, steps, epoch_steps) for step in range(steps)]


def test_constant() -> None:
    assert set(shares(OptimiserSettings(shape="constant"), 100)) == {1.0}


def test_cosine_falls_from_one_to_its_end_with_half_at_the_middle() -> None:
    values = shares(OptimiserSettings(shape="cosine", final=0.1), 101)
    assert values[0] == 1 and values[50] == pytest.approx(0.55) and values[100] == pytest.approx(0.1)
    assert values == sorted(values, reverse=True)


def test_exponential_falls_by_equal_ratios() -> None:
    values = shares(OptimiserSettings(rate=0.01, shape="exponential", final=0.01), 1001)
    assert values[0] == 1 and values[-1] == pytest.approx(0.01)
    assert values[500] == pytest.approx(math.sqrt(0.01))
    ratios = [b / a for a, b in itertools.pairwise(values)]
    assert max(ratios) - min(ratios) < 1e-9


def test_step_halves_every_so_many_epochs_as_isr() -> None:
    values = shares(OptimiserSettings(shape="step", every=2, factor=0.5), 30, epoch_steps=5)
    assert values == [1.0] * 10 + [0.5] * 10 + [0.25] * 10


def test_step_has_a_floor() -> None:
    values = shares(OptimiserSettings(shape="step", every=1, factor=0.1, final=0.005), 5)
    assert values == pytest.approx([1, 0.1, 0.01, 0.005, 0.005])


def test_milestones() -> None:
    values = shares(OptimiserSettings(shape="milestones", milestones=[2, 3], factor=0.2), 10, epoch_steps=2)
    assert values == pytest.approx([1, 1, 1, 1, 0.2, 0.2, 0.04, 0.04, 0.04, 0.04])


@pytest.mark.parametrize("shape", ["constant", "cosine", "step"])
def test_warmup_rises_to_the_whole_rate(shape: str) -> None:
    settings = OptimiserSettings.model_validate({"shape": shape, "warmup": 10})
    plain = OptimiserSettings.model_validate({"shape": shape})
    for step in range(10):
        assert share(settings, step, 1000) == pytest.approx(share(plain, step, 1000) * (step + 1) / 10)
    assert share(settings, 10, 1000) == share(plain, 10, 1000)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"shape": "exponential"}, "needs final above 0"),
        ({"shape": "milestones"}, "needs a list of milestones"),
        ({"milestones": [3]}, "only that shape has one"),
        ({"shape": "milestones", "milestones": [4, 3]}, r"rising epochs from 1, not \[4, 3\]"),
        ({"shape": "milestones", "milestones": [0]}, "rising epochs from 1"),
        ({"shape": "step", "factor": 1}, "less than 1"),
        ({"shape": "step", "every": 0}, "greater than or equal to 1"),
    ],
)
def test_mistakes_are_named(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        OptimiserSettings.model_validate(values)
