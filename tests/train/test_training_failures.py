"""What goes wrong in a training is said in one line, and never costs the last good checkpoint."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from drawn import RECIPE  # noqa: E402

from subpixel.errors import SettingError, SubpixelError, TrainingError  # noqa: E402
from subpixel_train import recipe as recipes  # noqa: E402
from subpixel_train.train import state  # noqa: E402
from subpixel_train.train.dry_run import dry_run  # noqa: E402
from subpixel_train.train.loop import RunSettings, Trainer  # noqa: E402


def trainer(output: Path, data: Path, *changes: str, resume: bool = False) -> Trainer:
    recipe = recipes.parse(RECIPE, "tiny", list(changes))
    return Trainer(recipe, RunSettings(output, data, resume, quiet=True))


def test_a_full_disk_costs_no_checkpoint(photos: Path, recipe_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    trainer(output, photos).run()
    before = (output / state.STATE).read_bytes()
    limit = len(before) // 2
    done = subprocess.run(
        [
            *(sys.executable, "-m", "subpixel_train", "train", str(recipe_file), "--output", str(output)),
            *("--data", str(photos), "--resume", "--set", "epochs=5", "--quiet"),
        ],
        env=os.environ, capture_output=True, text=True, check=False, timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert done.returncode not in (0, 130)
    assert "cannot write" in done.stderr and "Traceback" not in done.stderr
    assert (output / state.STATE).read_bytes() == before
    assert not list(output.rglob("*.partial"))
    assert trainer(output, photos, "epochs=4", resume=True).run().finished


def test_a_checkpoint_may_be_read_while_the_training_writes_the_next(tmp_path: Path) -> None:
    over = threading.Event()

    def write() -> None:
        for size in range(1, 10_000):
            tensors = {"network.weight": torch.full((size % 997,), float(size))}
            state.save_state(tmp_path, tensors, state.Progress(step=size))
            if over.is_set():
                return

    state.save_state(tmp_path, {"network.weight": torch.zeros(0)}, state.Progress())
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(300):
            tensors, progress = state.load_state(tmp_path)
            assert tensors["network.weight"].shape == (progress.step % 997,)
            assert bool((tensors["network.weight"] == progress.step).all())
    finally:
        over.set()
        writer.join()


def test_weights_that_are_no_longer_finite_are_not_saved(photos: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    trainer(output, photos).run()
    before = (output / state.STATE).read_bytes()
    again = trainer(output, photos, "epochs=4", resume=True)
    with torch.no_grad():
        again.plain.convolutions()[1].weight[0, 0, 0, 0] = float("nan")
    with pytest.raises(TrainingError, match=r"is nan at step 30.*last checkpoint is good"):
        again.run()
    assert (output / state.STATE).read_bytes() == before


def test_a_checkpoint_of_another_network_is_refused(photos: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    trainer(output, photos, "epochs=1").run()
    with pytest.raises(TrainingError, match="holds a training of another network"):
        trainer(output, photos, "network=two-basic", "scale=4", "data.crop=12", resume=True)


def test_losses_that_do_not_fit_the_network_are_named(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"2 weights.*1 output"):
        trainer(tmp_path / "run", photos, "loss.outputs=[0.3, 0.7]", "loss.mse=1")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a computer without CUDA")
def test_a_device_that_is_not_there_is_named(photos: Path, tmp_path: Path) -> None:
    recipe = recipes.parse(RECIPE, "tiny", [])
    with pytest.raises(SettingError, match="cannot train on cuda"):
        Trainer(recipe, RunSettings(tmp_path / "run", photos, device="cuda", quiet=True))


def test_iterations_end_inside_an_epoch(photos: Path, tmp_path: Path) -> None:
    outcome = trainer(tmp_path / "run", photos, "epochs=0", "iterations=13").run()
    assert outcome.finished and [r.step for r in outcome.progress.history] == [10, 13]
    assert outcome.progress.history[-1].held_out_psnr is not None


def test_accumulated_batches_are_one_larger_batch(photos: Path, tmp_path: Path) -> None:
    one = trainer(tmp_path / "one", photos, "accumulate=3", "epochs=1", "optimiser.clip=null").run()
    assert one.finished and one.progress.step == 4, "10 batches are 4 steps of 3"


def test_a_dry_run_tells_and_keeps_nothing(photos: Path, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    recipe = recipes.parse(RECIPE, "tiny", ["network=two-basic", "scale=4", "data.crop=12"])
    told = dry_run(recipe, RunSettings(tmp_path / "run", photos, quiet=True))
    assert "112,966 parameters" in told and "2 × 3 × 12 × 12" in told
    assert "2 × 3 × 24 × 24, 2 × 3 × 48 × 48" in told and "steps per second" in told and "MiB" in told
    assert set(tmp_path.rglob("*")) == before


def test_weights_kept_are_the_last_where_the_recipe_says_so(photos: Path, tmp_path: Path) -> None:
    outcome = trainer(tmp_path / "run", photos, "keep=last").run()
    assert state.load_weights(tmp_path / "run")[1]["epoch"] == "3" == str(outcome.progress.best_epoch)


def test_a_pickle_is_no_start(photos: Path, tmp_path: Path) -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path / 'executed'}",)

    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(SubpixelError):
        trainer(tmp_path / "run", photos, f"init_from={path}")
    assert not (tmp_path / "executed").exists()
