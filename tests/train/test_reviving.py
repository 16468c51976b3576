"""Channels that never fire begin anew; the network computes what it did, and trainings stay exact."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from drawn import RECIPE  # noqa: E402

from subpixel.errors import TrainingError  # noqa: E402
from subpixel_train import recipe as recipes  # noqa: E402
from subpixel_train.networks.plain import Plain, PlainSettings  # noqa: E402
from subpixel_train.train import state  # noqa: E402
from subpixel_train.train.loop import RunSettings, Trainer  # noqa: E402

PLAIN = ("network={kind: plain, width: 8, depth: 2, skip: learned}", "loss=mae", "revive_steps=3", "seed=5")


def dying() -> Plain:
    """A network, trained or so, two of whose layers have channels that never fire."""
    torch.manual_seed(2)
    network = Plain(PlainSettings(width=8, depth=2, skip="learned", faithful=True), 2).eval()
    with torch.no_grad():
        network.last.weight.normal_(std=0.1)
        assert network.first.bias is not None and network.inner[1].bias is not None
        network.first.bias[:3] = -10
        network.inner[1].bias[5] = -10
    return network


def shares(network: Plain, x: torch.Tensor) -> list[torch.Tensor]:
    """Share of pixels that each channel fires for, layer by layer."""
    found: list[torch.Tensor] = []
    hooks = [
        layer.register_forward_hook(lambda _, __, y: found.append((y > 0).float().mean((0, 2, 3))))
        for layer in network.activations
    ]
    network(x)
    for hook in hooks:
        hook.remove()
    return found


def test_dead_channels_fire_again_and_the_result_stays() -> None:
    network, x = dying(), torch.rand(4, 1, 24, 24)
    before, mean = network(x), {name: value.detach().clone() for name, value in network.named_parameters()}
    fires = shares(network, x)
    dead = sum(int((share < 1e-3).sum()) for share in fires)
    assert dead >= 4
    assert network.revive(x, mean, seed=3) == dead
    assert torch.allclose(network(x), before, atol=2e-3)  # a channel that fired for one pixel in a thousand is gone
    now = shares(network, x)
    assert all(0.2 < float(share[i]) < 0.8 for i in range(3) for share in now[:1]) and 0.2 < float(now[2][5]) < 0.8
    for name, value in network.named_parameters():
        assert torch.equal(value, mean[name]), name
    assert network.revive(x, mean, seed=4) == 0


def test_living_channels_are_left_alone() -> None:
    network, x = dying(), torch.rand(4, 1, 24, 24)
    before = {name: value.detach().clone() for name, value in network.named_parameters()}
    alive = shares(network, x)[0] >= 1e-3
    network.revive(x, {}, seed=3)
    assert torch.equal(network.first.weight[alive], before["first.weight"][alive])
    assert not torch.equal(network.first.weight[~alive], before["first.weight"][~alive])
    # What a channel that begins anew gives to the next layer begins at nothing.
    changed = network.inner[0]
    living = shares(network, x)[1] >= 0
    assert bool((changed.weight[living][:, ~alive] == 0).all())


def test_gradients_reach_what_began_anew() -> None:
    network, x = dying().train(), torch.rand(4, 1, 24, 24)
    network(x).square().mean().backward()
    assert network.first.weight.grad is not None
    assert float(network.first.weight.grad[:3].abs().max()) == 0
    network.revive(x, {}, seed=3)
    for _ in range(2):  # first what it gives, then what it takes
        network.zero_grad()
        network(x).square().mean().backward()
        with torch.no_grad():
            for value in network.parameters():
                if value.grad is not None:
                    value.sub_(value.grad, alpha=0.01)
    assert float(network.first.weight.grad[:3].abs().max()) > 0


def test_a_stopped_training_that_revives_goes_on_exactly(photos: Path, tmp_path: Path) -> None:
    def run(name: str, resume: bool = False, minutes: float | None = None) -> bool:
        recipe = recipes.parse(RECIPE, "tiny", [*PLAIN, "data.epoch_steps=4", "epochs=2"])
        return (
            Trainer(recipe, RunSettings(tmp_path / name, photos, resume, max_minutes=minutes, quiet=True))
            .run()
            .finished
        )

    run("whole")
    sittings = 0
    while not run("parts", sittings > 0, 1e-9):
        sittings += 1
    assert sittings == 7
    (a, _), (b, _) = state.load_state(tmp_path / "whole"), state.load_state(tmp_path / "parts")
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_training_revives_as_long_as_the_recipe_says(photos: Path, tmp_path: Path) -> None:
    recipe = recipes.parse(RECIPE, "tiny", [*PLAIN, "revive_until=0.5"])
    trainer = Trainer(recipe, RunSettings(tmp_path / "run", photos, quiet=True))
    bias = trainer.plain.get_parameter("first.bias")
    for begin, end, alive in ((0, 4, True), (16, 30, False)):
        while trainer.progress.step < begin:
            trainer.step()
        with torch.no_grad():
            bias[2] = -10
        while trainer.progress.step < end:
            trainer.step()
        assert (float(bias[2].detach()) > -5) is alive, end


def test_only_plain_networks_with_relu() -> None:
    for change in ("network=espcn", "network={kind: plain, activation: leaky}"):
        with pytest.raises(TrainingError, match="revive_steps is for networks of kind plain with activation: relu"):
            recipes.parse(RECIPE, "tiny", [change, "revive_steps=10"])
