"""Optimisers against their published update rules; a rate per layer or per part."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from pydantic import ValidationError  # noqa: E402
from torch import nn  # noqa: E402

from subpixel.errors import TrainingError  # noqa: E402
from subpixel_train.networks import build  # noqa: E402
from subpixel_train.train.optimiser_settings import OptimiserSettings  # noqa: E402
from subpixel_train.train.optimisers import make_optimiser, parameter_groups  # noqa: E402


class Small(nn.Module):
    """Two parts, with a bias each, and one parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3))
        self.head = nn.Linear(3, 2)
        self.gain = nn.Parameter(torch.ones(1))


def settings(**values: object) -> OptimiserSettings:
    return OptimiserSettings.model_validate(values)


def walk(made: OptimiserSettings, gradients: list[np.ndarray]) -> np.ndarray:
    """Where a parameter that starts at 1 stands after steps with these gradients."""
    layer = nn.Linear(3, 1, bias=False)
    nn.init.ones_(layer.weight)
    optimiser = make_optimiser(layer, made)
    for gradient in gradients:
        layer.weight.grad = torch.from_numpy(gradient.astype(np.float32))[None]
        optimiser.step()
    return layer.weight.detach().double().numpy()[0]


GRADIENTS = list(np.random.default_rng(0).normal(size=(20, 3)))


@pytest.mark.parametrize(("kind", "decay"), [("adam", 0.0), ("adamw", 0.0), ("adamw", 0.1)])
def test_adam_by_the_papers_rule(kind: str, decay: float) -> None:
    """Kingma & Ba, algorithm 1; Loshchilov & Hutter, algorithm 2."""
    at, mean, square = np.ones(3), np.zeros(3), np.zeros(3)
    for step, g in enumerate(GRADIENTS, 1):
        mean, square = 0.8 * mean + 0.2 * g, 0.9 * square + 0.1 * g * g
        at = at - 0.01 * decay * at
        at = at - 0.01 * (mean / (1 - 0.8**step)) / (np.sqrt(square / (1 - 0.9**step)) + 1e-5)
    made = settings(kind=kind, rate=0.01, betas=(0.8, 0.9), epsilon=1e-5, decay=decay)
    np.testing.assert_allclose(walk(made, GRADIENTS), at, rtol=1e-5)


def test_adadelta_by_the_papers_rule_with_keras_constants() -> None:
    """Zeiler, algorithm 1; rate 1, ρ = 0.95, ε = 10⁻⁷ as in Keras (PyTorch's own ρ is 0.9)."""
    at, square, moved = np.ones(3), np.zeros(3), np.zeros(3)
    for g in GRADIENTS:
        square = 0.95 * square + 0.05 * g * g
        change = -np.sqrt(moved + 1e-7) / np.sqrt(square + 1e-7) * g
        moved = 0.95 * moved + 0.05 * change**2
        at = at + change
    made = settings(kind="adadelta")
    assert made.rate == 1.0
    np.testing.assert_allclose(walk(made, GRADIENTS), at, rtol=1e-5)
    assert settings(kind="adadelta", rate=0.5).rate == 0.5 and settings().rate == 1e-3


@pytest.mark.parametrize("kind", ["adam", "adamw", "adadelta", "soap"])
def test_every_kind_descends(kind: str) -> None:
    torch.manual_seed(0)
    network, x = nn.Linear(5, 3), torch.randn(50, 5)
    target = x @ torch.randn(5, 3)
    # Adadelta starts with steps of about the root of epsilon.
    made = settings(kind=kind, epsilon=1e-3) if kind == "adadelta" else settings(kind=kind, rate=0.05)
    optimiser = make_optimiser(network, made)
    losses = []
    for _ in range(120):
        optimiser.zero_grad()
        loss = (network(x) - target).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 10


def test_one_rate_is_for_all() -> None:
    (group,) = parameter_groups(build("espcn", 2), settings(rate=0.002))
    assert (group["lr"], group["start"], len(group["params"])) == (0.002, 0.002, 8)


def test_a_rate_per_layer_as_srcnn() -> None:
    groups = parameter_groups(build("srcnn", 2), settings(rate=[1e-4, 1e-4, 1e-5]))
    assert [(g["name"], g["lr"], len(g["params"])) for g in groups] == [
        ("extract", 1e-4, 2),
        ("map", 1e-4, 2),
        ("reconstruct", 1e-5, 2),
    ]
    with pytest.raises(TrainingError, match=r"optimiser\.rate has 2 values: espcn has 4 layers"):
        parameter_groups(build("espcn", 2), settings(rate=[0.1, 0.2]))


def test_a_rate_per_part_and_the_first_name_holds() -> None:
    network = Small()
    rates = {"features.1": 0.1, "features": 0.2, "*.bias": 0.3, "default": 0.4}
    groups = {g["name"]: g for g in parameter_groups(network, settings(rate=rates))}
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    held = {name: ([names[id(p)] for p in g["params"]], g["lr"]) for name, g in groups.items()}
    assert held == {
        "features.1": (["features.1.weight", "features.1.bias"], 0.1),
        "features": (["features.0.weight", "features.0.bias"], 0.2),
        "*.bias": (["head.bias"], 0.3),
        "default": (["gain", "head.weight"], 0.4),
    }


def test_a_rate_of_zero_freezes() -> None:
    network = Small()
    optimiser = make_optimiser(network, settings(rate={"features": 0, "default": 0.1}))
    before = [p.detach().clone() for p in network.features.parameters()]
    sum(p.square().sum() for p in network.parameters()).backward()
    optimiser.step()
    assert all(torch.equal(a, b) for a, b in zip(before, network.features.parameters(), strict=True))
    assert not any(p.requires_grad or p.grad is not None for p in network.features.parameters())
    assert network.gain.item() == pytest.approx(0.9)
    with pytest.raises(TrainingError, match="nothing is left to train"):
        parameter_groups(network.features, settings())


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ({"feature": 0.0, "default": 1e-3}, r"no part is called feature: did you mean features\? there are features, "),
        ({"defualt": 1e-3}, r"names no part that gain belongs to: add `default: 0\.001`"),
        ({"features": 0.1}, "names no part that gain belongs to"),
    ],
)
def test_names_that_fit_nothing(rates: dict[str, float], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        parameter_groups(Small(), settings(rate=rates))


def test_decay_spares_biases() -> None:
    groups = parameter_groups(Small(), settings(kind="adamw", decay=0.01))
    assert [(g["weight_decay"], {p.ndim for p in g["params"]}) for g in groups] == [(0.01, {2, 4}), (0.0, {1})]


@pytest.mark.parametrize("kind", ["adam", "adamw", "adadelta", "soap"])
def test_state_goes_through_a_checkpoint(kind: str) -> None:
    from subpixel_train.train.state import optimiser_tensors, restore_optimiser

    def steps(network: Any, optimiser: Any, gradients: list[np.ndarray]) -> None:
        for gradient in gradients:
            network.weight.grad = torch.from_numpy(gradient.astype(np.float32))[None]
            optimiser.step()

    whole, other = nn.Linear(3, 1, bias=False), nn.Linear(3, 1, bias=False)
    first = make_optimiser(whole, settings(kind=kind))
    steps(whole, first, GRADIENTS[:7])
    other.load_state_dict(whole.state_dict())
    second = make_optimiser(other, settings(kind=kind))
    restore_optimiser(second, {name: value.clone() for name, value in optimiser_tensors(first).items()})
    steps(whole, first, GRADIENTS[7:])
    steps(other, second, GRADIENTS[7:])
    assert torch.equal(whole.weight, other.weight)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"kind": "sgd"}, "'adam', 'adamw', 'adadelta' or 'soap'"),
        ({"decay": 0.1}, "decay is a setting of adamw, not of adam"),
        ({"rate": 0}, "rate: 0 or more for each part, and more than 0 for one, not 0.0"),
        ({"rate": {"a": -1, "default": 1}}, "0 or more for each part"),
        ({"rate": []}, "0 or more for each part"),
    ],
)
def test_mistakes_are_named(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        OptimiserSettings.model_validate(values)
