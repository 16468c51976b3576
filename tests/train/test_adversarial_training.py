"""The two stages in the training loop: pixels, then an adversary and features; teachers; and how they go on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

import yaml  # noqa: E402
from drawn import RECIPE  # noqa: E402

from subpixel.errors import TrainingError  # noqa: E402
from subpixel_train import recipe as recipes  # noqa: E402
from subpixel_train.train import state  # noqa: E402
from subpixel_train.train.loop import Outcome, RunSettings, Trainer  # noqa: E402

ADVERSARY = """
adversary:
  kind: relativistic
  discriminator: unet
  channels: 4
  clip: 1.0
"""
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "adversarial-training.md"


def run(
    output: Path,
    data: Path,
    *changes: str,
    text: str = RECIPE + ADVERSARY,
    resume: bool = False,
    minutes: float | None = None,
) -> Outcome:
    recipe = recipes.parse(text, "tiny", list(changes))
    return Trainer(recipe, RunSettings(output, data, resume, max_minutes=minutes, quiet=True)).run()


def same(one: Path, other: Path) -> None:
    """Every tensor of two checkpoints is equal to the last bit, the adversary's too."""
    (a, told), (b, tell) = state.load_state(one), state.load_state(other)
    assert a.keys() == b.keys() and told.step == tell.step
    for part in ("network.", "optimiser.", "adversary.network.", "adversary.optimiser."):
        assert any(name.startswith(part) for name in a), part
    for name in a:
        assert torch.equal(a[name], b[name]), name


@pytest.mark.parametrize("discriminator", ["srgan", "isr", "unet"])
def test_a_stopped_training_goes_on_exactly(photos: Path, tmp_path: Path, discriminator: str) -> None:
    changes = (f"adversary.discriminator={discriminator}", "data.epoch_steps=4", "epochs=2")
    run(tmp_path / "whole", photos, *changes)
    sittings = 0
    while not run(tmp_path / "parts", photos, *changes, resume=sittings > 0, minutes=1e-9).finished:
        sittings += 1
        assert sittings < 8
    assert sittings == 7, "one step per sitting"
    same(tmp_path / "whole", tmp_path / "parts")


def test_a_killed_training_goes_on_exactly(photos: Path, tmp_path: Path) -> None:
    recipe, output = tmp_path / "tiny.yaml", tmp_path / "killed"
    recipe.write_text(RECIPE + ADVERSARY, encoding="utf-8")
    words = [sys.executable, "-m", "subpixel_train", "train", str(recipe), "--quiet", "--set", "epochs=30"]
    process = subprocess.Popen([*words, "--output", str(output), "--data", str(photos)], env=os.environ)
    began = time.monotonic()
    while not (output / state.STATE).exists() or state.load_state(output)[1].step < 8:
        assert process.poll() is None, "ended by itself"
        assert time.monotonic() - began < 120, "no checkpoint within two minutes"
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert state.load_state(output)[1].step < 300
    run(output, photos, "epochs=30", resume=True)
    run(tmp_path / "whole", photos, "epochs=30")
    same(output, tmp_path / "whole")


def test_the_second_stage_starts_from_the_pixels_of_the_first(photos: Path, tmp_path: Path) -> None:
    first = tmp_path / "pixels"
    run(first, photos, "loss=mae", "ema=0", text=RECIPE)
    changes = (f"init_from={first}", "loss=mae", "keep=last", "ema=0", "epochs=1")
    trainer = Trainer(
        recipes.parse(RECIPE + ADVERSARY, "tiny", list(changes)), RunSettings(tmp_path / "second", photos, quiet=True)
    )
    for name, value in state.load_weights(first)[0].items():
        assert torch.equal(dict(trainer.plain.named_parameters())[name], value)
    outcome = trainer.run()
    assert outcome.finished and outcome.progress.step == 10
    with pytest.raises(TrainingError, match="training without an adversary: start a second stage from it"):
        run(first, photos, "loss=mae", "ema=0", resume=True)


def test_the_adversary_changes_what_is_learnt_and_may_start_later(photos: Path, tmp_path: Path) -> None:
    ends = {}
    for start in (0, 1, 3):
        run(tmp_path / str(start), photos, f"adversary.start_epoch={start}", "adversary.weight=0.1")
        ends[start] = state.load_state(tmp_path / str(start))[0]
    run(tmp_path / "none", photos, text=RECIPE)
    alone = state.load_state(tmp_path / "none")[0]
    weights = [name for name in alone if name.startswith("network.")]
    assert all(torch.equal(ends[3][name], alone[name]) for name in weights), "it never took part"
    for one, other in ((0, 1), (0, 3), (1, 3)):
        assert not all(torch.equal(ends[one][name], ends[other][name]) for name in weights)
    steps = {start: tensors.get("adversary.optimiser.0.step") for start, tensors in ends.items()}
    assert (steps[0].item(), steps[1].item(), steps[3]) == (30, 20, None)


def test_a_teacher_pulls_its_student(photos: Path, tmp_path: Path) -> None:
    """A student that starts as its teacher and hears nothing else of weight stays where it is."""
    run(tmp_path / "teacher", photos, text=RECIPE)
    teacher = str(tmp_path / "teacher")
    changes = (f"init_from={teacher}", "ema=0", "optimiser.rate=1e-9", "loss.mse=1e-9", f"distill.model={teacher}")
    student = run(tmp_path / "student", photos, *changes, text=RECIPE.replace("ema: 0.9\n", ""))
    assert student.progress.history[-1].loss < 1e-5
    other = [change for change in changes if not change.startswith("init_from")]
    fresh = run(tmp_path / "fresh", photos, *other, "optimiser.rate=0.002", text=RECIPE)
    assert fresh.progress.history[-1].loss < fresh.progress.history[0].loss / 2


def test_the_page_shows_the_shipped_recipes() -> None:
    if not PAGE.is_file():
        pytest.skip("runs in a checkout of the project")
    shown = re.search(r"^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert shown is not None
    second, first = recipes.load("rrdn-gan-x4").model_dump(), recipes.load("rrdn-x4").model_dump()
    assert {key: second[key] for key in ("network", "scale")} == {key: first[key] for key in ("network", "scale")}
    for key, value in yaml.safe_load(shown[1]).items():
        kept = {name: second[key][name] for name in value} if isinstance(value, dict) else second[key]
        if key == "loss":
            kept["perceptual"] = {name: kept["perceptual"][name] for name in value["perceptual"]}
        assert kept == value and first[key] != second[key], key
