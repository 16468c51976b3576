"""Adversarial losses, and the two sides' steps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from launching import environment  # noqa: E402
from lightning_fabric import Fabric  # noqa: E402
from pydantic import ValidationError  # noqa: E402
from torch import nn  # noqa: E402

from subpixel.errors import TrainingError  # noqa: E402
from subpixel_train.adversary import Adversary, AdversarySettings  # noqa: E402
from subpixel_train.losses.adversarial import ADVERSARIAL  # noqa: E402

KINDS = list(ADVERSARIAL)
DISCRIMINATORS = ["srgan", "isr", "unet"]


# --- losses ---


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def by_the_papers(kind: str, generated: np.ndarray, real: np.ndarray, smooth: float) -> tuple[float, float]:
    """Losses of generator and discriminator in double precision, from probabilities."""
    if kind == "bce":
        generator = -np.log(sigmoid(generated)).mean()
        told = (1 - smooth) * np.log(sigmoid(real)) + smooth * np.log(1 - sigmoid(real))
        return generator, -(told.mean() + np.log(1 - sigmoid(generated)).mean()) / 2
    if kind == "relativistic":
        rf, fr = sigmoid(real - generated.mean()), sigmoid(generated - real.mean())
        generator = -(np.log(1 - rf).mean() + np.log(fr).mean()) / 2
        told = (1 - smooth) * np.log(rf) + smooth * np.log(1 - rf)
        return generator, -(told.mean() + np.log(1 - fr).mean()) / 2
    generator = ((generated - 1) ** 2).mean() / 2
    return generator, (((real - 1 + smooth) ** 2).mean() + (generated**2).mean()) / 2


@pytest.mark.parametrize("smooth", [0.0, 0.1])
@pytest.mark.parametrize("kind", KINDS)
def test_losses_are_those_of_the_papers(kind: str, smooth: float) -> None:
    rng = np.random.default_rng(1)
    generated, real = rng.normal(-0.5, 2, (4, 1, 3, 3)), rng.normal(0.5, 2, (4, 1, 3, 3))
    scores = torch.from_numpy(generated), torch.from_numpy(real)
    generator, discriminator = by_the_papers(kind, generated, real, smooth)
    loss = ADVERSARIAL[kind]
    assert loss.generator(*scores).item() == pytest.approx(generator, rel=1e-5)
    assert loss.discriminator(*scores, smooth).item() == pytest.approx(discriminator, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_losses_stay_finite_for_huge_scores(kind: str) -> None:
    for sign in (-1, 1):
        generated = torch.full((2, 1), sign * 500.0, requires_grad=True)
        real = torch.full((2, 1), -sign * 500.0, requires_grad=True)
        for value in (
            ADVERSARIAL[kind].generator(generated, real.detach()),
            ADVERSARIAL[kind].discriminator(generated, real, 0.0),
        ):
            assert torch.isfinite(value)
            (gradient,) = torch.autograd.grad(value, generated)
            assert torch.isfinite(gradient).all()


def test_an_undecided_discriminator() -> None:
    scores = torch.zeros(3, 1)
    for kind in ("bce", "relativistic"):
        assert ADVERSARIAL[kind].discriminator(scores, scores, 0.0).item() == pytest.approx(np.log(2))
    half = scores + 0.5
    assert ADVERSARIAL["least-squares"].discriminator(half, half, 0.0).item() == pytest.approx(0.25)


@pytest.mark.parametrize("kind", KINDS)
def test_both_sides_pull_in_opposite_directions(kind: str) -> None:
    generated = torch.zeros(4, 1, requires_grad=True)
    real = torch.zeros(4, 1)
    (up,) = torch.autograd.grad(ADVERSARIAL[kind].generator(generated, real), generated)
    (down,) = torch.autograd.grad(ADVERSARIAL[kind].discriminator(generated + 0.5, real + 0.5, 0.0), generated)
    assert (up < 0).all() and (down > 0).all()


# --- adversary ---


def adversary(
    seed: int = 0, channels: int = 1, precision: Any = "32-true", **values: object
) -> tuple[Adversary, Fabric]:
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
    made = Adversary(AdversarySettings.model_validate({"channels": 4, **values}), channels, seed)
    made.setup(fabric)
    return made, fabric


def photographs(number: int, channels: int = 1) -> Any:
    """Vertical stripes: what is real here."""
    return (0.5 + 0.4 * torch.sin(torch.arange(24.0) * 1.3)).expand(number, channels, 24, 24).contiguous()


@pytest.mark.parametrize("discriminator", DISCRIMINATORS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_generators_step_leaves_the_discriminator_alone(kind: str, discriminator: str) -> None:
    made, fabric = adversary(kind=kind, discriminator=discriminator)
    before = {name: value.clone() for name, value in made.network.named_parameters()}
    result = torch.rand(2, 1, 24, 24, requires_grad=True)
    loss = made.generator_loss(result, photographs(2))
    fabric.backward(made.weight * loss)
    assert loss.dtype == torch.float32 and loss.ndim == 0
    assert result.grad is not None and torch.isfinite(result.grad).all() and result.grad.abs().sum() > 0
    for name, value in made.network.named_parameters():
        assert value.grad is None and value.requires_grad and torch.equal(value, before[name])


@pytest.mark.parametrize(("kind", "precision"), [("bce", "bf16-mixed"), *((kind, "32-true") for kind in KINDS)])
@pytest.mark.parametrize("discriminator", DISCRIMINATORS)
def test_it_learns_to_tell(kind: str, discriminator: str, precision: str) -> None:
    torch.manual_seed(0)
    made, _ = adversary(kind=kind, discriminator=discriminator, precision=precision, rate=5e-3)
    real = photographs(4)
    parts = [made.train_step(torch.rand(4, 1, 24, 24), real) for _ in range(80 if discriminator == "unet" else 25)]
    best = min(parts, key=lambda part: part["adversary/loss"].item())
    assert best["adversary/loss"] < 0.2 * parts[0]["adversary/loss"]
    assert best["adversary/real"] > best["adversary/generated"] + 0.5
    assert not any(value.requires_grad for value in best.values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_generator_learns_to_deceive(kind: str) -> None:
    """Real pictures are brighter; the one thing that the generator can change is its brightness."""
    torch.manual_seed(0)
    made, fabric = adversary(kind=kind, discriminator="unet", rate=2e-3)
    level = nn.Parameter(torch.tensor(0.2))
    optimiser = fabric.setup_optimizers(torch.optim.Adam([level], 0.01))
    seen = []
    for _ in range(100):
        result, real = level + 0.05 * torch.randn(4, 1, 16, 16), 0.7 + 0.05 * torch.randn(4, 1, 16, 16)
        optimiser.zero_grad()
        fabric.backward(made.generator_loss(result, real))
        optimiser.step()
        made.train_step(result.detach(), real)
        seen.append(level.item())
    assert seen[0] < 0.25 and max(seen) > 0.6


def play(made: Adversary, fabric: Fabric, pixels: Any, optimiser: Any, steps: range) -> None:
    for step in steps:
        source = torch.Generator().manual_seed(step)
        real = torch.rand(2, 1, 24, 24, generator=source)
        optimiser.zero_grad()
        fabric.backward(made.generator_loss(pixels * 1.0, real))
        optimiser.step()
        made.train_step((pixels * 1.0).detach(), real, share=1 - step / 20)


@pytest.mark.parametrize("discriminator", DISCRIMINATORS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_adversary_equals_the_uninterrupted_one(kind: str, discriminator: str, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    values = {"kind": kind, "discriminator": discriminator, "clip": 1.0}
    ends = []
    for stop in (None, 3):
        made, fabric = adversary(**values)
        pixels = nn.Parameter(torch.full((2, 1, 24, 24), 0.5))
        optimiser = torch.optim.SGD([pixels], 0.1)
        if stop is None:
            play(made, fabric, pixels, optimiser, range(8))
        else:
            play(made, fabric, pixels, optimiser, range(stop))
            checkpoint = {name: value.contiguous() for name, value in made.tensors().items()}
            save_file(checkpoint | {"network.odd": torch.zeros(1)}, tmp_path / "state.safetensors")
            made, fabric = adversary(seed=99, **values)
            made.restore(load_file(tmp_path / "state.safetensors"))
            play(made, fabric, pixels, optimiser, range(stop, 8))
        ends.append({"pixels": pixels.detach(), **made.tensors()})
    assert ends[0].keys() == ends[1].keys()
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    held = "_u" if discriminator == "unet" else "running_mean"
    assert any(name.endswith(held) for name in ends[0]) and any("exp_avg_sq" in name for name in ends[0])


def test_a_checkpoint_without_it_or_of_another_is_refused() -> None:
    made, _ = adversary()
    with pytest.raises(TrainingError, match="training without an adversary: start a second stage"):
        made.restore({"network.a": torch.zeros(1)})
    with pytest.raises(TrainingError, match="the checkpoint's adversary is not srgan of 4 channels"):
        made.restore(adversary(discriminator="unet")[0].tensors())
    with pytest.raises(TrainingError, match="is not srgan of 4 channels"):
        made.restore(adversary(channels=3)[0].tensors())


def test_an_adversary_that_exploded_is_not_kept() -> None:
    made, _ = adversary(rate=1e30)
    made.train_step(torch.rand(2, 1, 24, 24), photographs(2))
    made.train_step(torch.rand(2, 1, 24, 24), photographs(2))
    with pytest.raises(TrainingError, match=r"adversary's weights are no longer finite: lower adversary\.rate"):
        made.tensors()


def test_its_first_weights_follow_from_the_seed_alone() -> None:
    torch.manual_seed(5)
    first = Adversary(AdversarySettings(channels=4), 1, seed=3)
    after = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(1), after)
    second, other = (
        Adversary(AdversarySettings(channels=4), 1, seed=3),
        Adversary(AdversarySettings(channels=4), 1, seed=4),
    )
    assert torch.equal(first.network.first.weight, second.network.first.weight)
    assert not torch.equal(first.network.first.weight, other.network.first.weight)


TWO_PROCESSES = """
import torch
from lightning_fabric import Fabric
from subpixel_train.adversary import Adversary, AdversarySettings
from subpixel_train.train.stopping import part

def work(fabric):
    torch.set_num_threads(1)
    for discriminator in ("srgan", "unet"):
        settings = AdversarySettings(kind="relativistic", discriminator=discriminator, channels=4)
        made = Adversary(settings, 1, seed=fabric.global_rank)
        made.setup(fabric)
        network = torch.nn.Conv2d(1, 1, 3, padding=1)
        network, optimiser = fabric.setup(network, torch.optim.Adam(network.parameters(), 0.001))
        for step in range(3):
            source = torch.Generator().manual_seed(10 * step + fabric.global_rank)
            real = torch.rand(2, 1, 16, 16, generator=source)
            result = network(real)
            optimiser.zero_grad()
            fabric.backward(made.generator_loss(result, real))
            optimiser.step()
            made.train_step(result.detach(), real)
        weights = torch.cat([p.detach().flatten() for m in (made.network, network) for p in m.parameters()])
        first = fabric.broadcast(weights.clone())
        assert torch.equal(first, weights), discriminator
    print("equal")
    part(fabric)

if __name__ == "__main__":
    Fabric(accelerator="cpu", devices=2, strategy="ddp_spawn").launch(work)
"""


def test_two_processes_keep_one_adversary(tmp_path: Path) -> None:
    """Each sees other pictures, and both end with the same weights; neither waits for the other for ever."""
    (tmp_path / "two.py").write_text(TWO_PROCESSES, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, tmp_path / "two.py"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines().count("equal") == 2


@pytest.mark.parametrize(("falling", "expected"), [(True, 0.25e-3), (False, 1e-3)])
def test_its_rate_falls_with_the_networks_or_stays(falling: bool, expected: float) -> None:
    made, _ = adversary(rate=1e-3, falling=falling)
    made.train_step(torch.rand(2, 1, 24, 24), photographs(2), share=0.25)
    assert [group["lr"] for group in made.optimiser.param_groups] == [expected]


def test_it_may_start_later() -> None:
    made, _ = adversary(start_epoch=2)
    assert [made.takes_part(epoch) for epoch in range(4)] == [False, False, True, True]


def test_defaults_are_those_of_isr() -> None:
    settings = AdversarySettings()
    assert (settings.kind, settings.weight, settings.channels) == ("bce", 0.01, 64)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"kind": "hinge"}, "'bce', 'relativistic' or 'least-squares'"),
        ({"discriminator": "vgg"}, "'srgan', 'isr' or 'unet'"),
        ({"weight": 0}, "greater than 0"),
        ({"smooth": 0.5}, "less than 0.5"),
        ({"wieght": 1}, "Extra inputs"),
    ],
)
def test_mistakes_are_named(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        AdversarySettings.model_validate(values)
