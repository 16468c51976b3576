"""Several processes learn what one learns from the same batches; stopped together, they go on together."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from drawn import RECIPE  # noqa: E402
from launching import environment  # noqa: E402

from subpixel_train import recipe as recipes  # noqa: E402
from subpixel_train.train import state  # noqa: E402
from subpixel_train.train.loop import RunSettings, Trainer  # noqa: E402

SETTINGS = ("optimiser.rate=0.0005", "ema=0.9", "iterations=6", "epochs=0", "data.epoch_steps=4")


def command(recipe: Path, output: Path, data: Path, *options: str) -> list[str]:
    changes = [option for setting in SETTINGS for option in ("--set", setting)]
    return [
        *("-m", "subpixel_train", "train", str(recipe), *changes, "--processes", "2"),
        *("--output", str(output), "--data", str(data), *options),
    ]


def weights(run: Path) -> dict[str, torch.Tensor]:
    return state.load_weights(run)[0]


@pytest.fixture(scope="module")
def alone(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """What one process learns from two batches a step, the ones that two processes share."""
    output = tmp_path_factory.mktemp("alone") / "run"
    recipe = recipes.parse(RECIPE, "tiny", [*SETTINGS, "accumulate=2"])
    assert Trainer(recipe, RunSettings(output, photos, quiet=True)).run().finished
    return weights(output)


@pytest.mark.parametrize("launcher", ["itself", "torchrun"])
def test_two_processes_learn_what_one_learns(
    photos: Path, recipe_file: Path, tmp_path: Path, alone: dict[str, torch.Tensor], launcher: str
) -> None:
    start = [sys.executable]
    if launcher == "torchrun":
        start += ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    output = tmp_path / "run"
    done = subprocess.run(
        [*start, *command(recipe_file, output, photos)],
        env=environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("weights.safetensors") == 1, "one process speaks for all"
    together = weights(output)
    assert together.keys() == alone.keys()
    for name, value in together.items():
        torch.testing.assert_close(value, alone[name], atol=2e-6, rtol=1e-4, msg=name)


def test_two_processes_stop_together_and_go_on(photos: Path, recipe_file: Path, tmp_path: Path) -> None:
    output, longer = tmp_path / "run", ("--set", "iterations=100000")
    process = subprocess.Popen(
        [sys.executable, *command(recipe_file, output, photos, *longer)],
        env=environment(), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    began = time.monotonic()
    while not (output / state.STATE).exists():
        assert process.poll() is None and time.monotonic() - began < 90
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    step = state.load_state(output)[1].step
    assert f"stopped at step {step}" in said
    done = subprocess.run(
        [sys.executable, *command(recipe_file, output, photos, "--resume", "--set", f"iterations={step + 3}")],
        env=environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert state.load_state(output)[1].step == step + 3
