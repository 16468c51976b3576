"""The loop learns, and however it is stopped it goes on to the very same weights."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from drawn import RECIPE  # noqa: E402

from subpixel import zoo  # noqa: E402
from subpixel.engines.base import EngineSettings  # noqa: E402
from subpixel.engines.openvino import OpenVINOEngine  # noqa: E402
from subpixel.errors import OutputUnwritable, SettingError, TrainingError  # noqa: E402
from subpixel_train import recipe as recipes  # noqa: E402
from subpixel_train.networks import build  # noqa: E402
from subpixel_train.train import state  # noqa: E402
from subpixel_train.train.initial import start_from  # noqa: E402
from subpixel_train.train.loop import Outcome, RunSettings, Trainer  # noqa: E402


def run(output: Path, data: Path, *changes: str, resume: bool = False, max_minutes: float | None = None) -> Outcome:
    recipe = recipes.parse(RECIPE, "tiny", list(changes))
    return Trainer(recipe, RunSettings(output, data, resume, max_minutes=max_minutes, quiet=True)).run()


def command(recipe: Path, output: Path, data: Path, *options: str) -> list[str]:
    return [
        *(sys.executable, "-m", "subpixel_train", "train", str(recipe)),
        *("--output", str(output), "--data", str(data), *options),
    ]


def same(one: Path, other: Path) -> None:
    """Weights, moments, running mean and learning curve are equal to the last bit."""
    (a, told), (b, tell) = state.load_state(one), state.load_state(other)
    assert a.keys() == b.keys() and any(name.startswith("optimiser.") for name in a)
    for name in a:
        assert torch.equal(a[name], b[name]), name
    assert told.step == tell.step
    assert [(r.loss, r.held_out_psnr) for r in told.history] == [(r.loss, r.held_out_psnr) for r in tell.history]
    for name, tensor in state.load_weights(one)[0].items():
        assert torch.equal(tensor, state.load_weights(other)[0][name])


@pytest.mark.parametrize("kind", ["adam", "soap"])
def test_training_learns(photos: Path, tmp_path: Path, kind: str) -> None:
    outcome = run(
        tmp_path / "run", photos, "data.epoch_steps=25", "data.test=benchmark/Drawn", "centre=0.45",
        f"optimiser.kind={kind}",
    )  # fmt: skip
    first, *_, last = outcome.progress.history
    assert outcome.finished and last.epoch == 3 and last.step == 75
    assert last.loss < first.loss / 3
    assert first.held_out_psnr and last.held_out_psnr and last.held_out_psnr > first.held_out_psnr
    assert last.test_psnr is not None and last.test_psnr > 15
    weights, about = state.load_weights(tmp_path / "run")
    assert weights.keys() == build("espcn", 2).state_dict().keys()
    assert about["recipe"] == "tiny" and about["epoch"] == str(outcome.progress.best_epoch)


def test_everything_to_look_at_is_left(photos: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    run(output, photos, "keep_epochs=true")
    rows = list(csv.DictReader((output / state.LOG).open()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert all(float(row["loss"]) > 0 and float(row["held_out_psnr"]) > 5 for row in rows)
    assert recipes.load(str(output / state.RECIPE)) == recipes.parse(RECIPE, "tiny", ["keep_epochs=true"])
    assert len(list((output / "epochs").glob("*.safetensors"))) == 3
    assert list(output.glob("events.out.tfevents.*"))
    assert not list(output.rglob("*.partial")) and not list(output.rglob("*.pt"))


@pytest.mark.parametrize(
    "change",
    [
        "optimiser.kind=adam",
        "optimiser.kind=soap",
        "optimiser.kind=adadelta",
        "network={kind: autoencoder, regularisation: 0.5}",
        "network={kind: plain, width: 8, depth: 1, int8: true}",
    ],
)
def test_a_stopped_training_goes_on_exactly(photos: Path, tmp_path: Path, change: str) -> None:
    run(tmp_path / "whole", photos, change)
    sittings = 0
    while not run(tmp_path / "parts", photos, change, resume=sittings > 0, max_minutes=1e-9).finished:
        sittings += 1
        assert sittings < 30
    assert sittings == 29, "one step per sitting"
    same(tmp_path / "whole", tmp_path / "parts")


def wait_for_step(output: Path, step: int, process: subprocess.Popen[bytes]) -> None:
    began = time.monotonic()
    while time.monotonic() - began < 60:
        if (output / state.STATE).exists() and state.load_state(output)[1].step >= step:
            return
        assert process.poll() is None, "ended by itself"
        time.sleep(0.02)
    raise AssertionError("no checkpoint within a minute")


def test_fp16_scales_its_gradients(photos: Path, tmp_path: Path) -> None:
    """Gradients too small for fp16 are scaled up; the scale is part of the state, as a run that goes on needs it."""
    whole = run(tmp_path / "whole", photos, "precision=16-mixed", "data.epoch_steps=20")
    scale = whole.progress.scaler["scale"]
    assert isinstance(scale, float) and scale > 1
    scores = [record.held_out_psnr for record in whole.progress.history]
    exact = run(tmp_path / "exact", photos, "precision=32-true", "data.epoch_steps=20").progress.history
    assert scores[-1] == pytest.approx(exact[-1].held_out_psnr, abs=0.5)
    stopped = tmp_path / "stopped"
    run(stopped, photos, "precision=16-mixed", "data.epoch_steps=20", max_minutes=0)
    run(stopped, photos, "precision=16-mixed", "data.epoch_steps=20", resume=True)
    same(tmp_path / "whole", stopped)


def test_a_killed_training_goes_on_exactly(photos: Path, recipe_file: Path, tmp_path: Path) -> None:
    output, changes = tmp_path / "killed", ("--set", "epochs=40")
    process = subprocess.Popen(command(recipe_file, output, photos, *changes, "--quiet"), env=os.environ)
    wait_for_step(output, 12, process)
    process.kill()
    process.wait()
    step = state.load_state(output)[1].step
    assert step % 4 == 0 or step % 10 == 0, "a checkpoint, not something between"
    run(output, photos, "epochs=40", resume=True)
    run(tmp_path / "whole", photos, "epochs=40")
    same(output, tmp_path / "whole")


def test_ctrl_c_saves_and_says_how_to_go_on(photos: Path, recipe_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "stopped"
    process = subprocess.Popen(
        command(recipe_file, output, photos, "--set", "epochs=10000"), stderr=subprocess.PIPE, env=os.environ
    )
    wait_for_step(output, 4, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    last = said.decode().strip().splitlines()[-1]
    step = state.load_state(output)[1].step
    assert last == f"stopped at step {step}; go on with: subpixel train {recipe_file} --output {output} --resume"
    assert run(output, photos, f"epochs={step // 10 + 2}", resume=True).finished
    assert state.load_state(output)[1].step == 10 * (step // 10 + 2)


def test_a_training_is_not_overwritten(photos: Path, tmp_path: Path) -> None:
    run(tmp_path / "run", photos, "epochs=1")
    with pytest.raises(SettingError, match="holds a training"):
        run(tmp_path / "run", photos)
    with pytest.raises(TrainingError, match="another network"):
        run(tmp_path / "run", photos, "scale=3", resume=True)
    assert "scale: 2" in (tmp_path / "run" / state.RECIPE).read_text(encoding="utf-8")


def test_an_unwritable_output_is_found_before_the_pictures_are_read(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputUnwritable, match="cannot write"):
        Trainer(recipes.parse(RECIPE, "tiny", []), RunSettings(tmp_path / "file" / "run", photos / "nowhere"))


def test_a_loss_that_explodes_stops_the_training(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"the loss is (nan|inf).*lower optimiser\.rate"):
        run(tmp_path / "run", photos, "optimiser.rate=1e30", "optimiser.clip=null")


def test_damaged_state_is_named(photos: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    output.mkdir()
    (output / state.STATE).write_bytes(b"nothing of the kind")
    with pytest.raises(TrainingError, match=r"cannot read .*state\.safetensors"):
        run(output, photos, resume=True)
    with pytest.raises(TrainingError, match="there is no "):
        state.load_weights(tmp_path / "missing.safetensors")


def test_numbers_below_all_floats_are_zeros_while_training_alone(photos: Path, tmp_path: Path) -> None:
    """SOAP's means fade into denormals, and took three quarters of the time there."""

    def tiny() -> float:
        return float(torch.full((16,), 1e-30).mul(1e-12).sum())

    class Watched(Trainer):
        def step(self) -> float:
            assert tiny() == 0
            return super().step()

    assert tiny() > 0
    recipe = recipes.parse(RECIPE, "tiny", ["epochs=1"])
    Watched(recipe, RunSettings(tmp_path / "run", photos, quiet=True)).run()
    assert tiny() > 0


def test_three_layers_of_another_scale_are_a_start(photos: Path, tmp_path: Path) -> None:
    run(tmp_path / "x2", photos, "epochs=1")
    network = build("espcn", 3)
    copied = start_from(network, str(tmp_path / "x2"))
    assert "map.weight" in copied and "phases.weight" not in copied
    assert torch.equal(network.convolutions()[1].weight, state.load_weights(tmp_path / "x2")[0]["map.weight"])
    with pytest.raises(TrainingError, match="there is no nowhere"):
        start_from(network, "nowhere")
    with pytest.raises(TrainingError, match="train it first: subpixel train espcn-x3-first"):
        start_from(network, "elsewhere/espcn-x3-first")
    with pytest.raises(TrainingError, match=r"nothing in .* fits"):
        state.save_weights(tmp_path / "odd.safetensors", {"odd": torch.zeros(1)}, {})
        start_from(network, str(tmp_path / "odd.safetensors"))


def test_a_shipped_model_is_a_start() -> None:
    network = build("espcn", 4)
    copied = start_from(network, "espcn-x2")
    assert copied == [f"{name}.{part}" for name in ("extract", "map", "shrink") for part in ("weight", "bias")]


def test_a_shipped_model_in_whole_numbers_is_a_start() -> None:
    """Its weights times their scales; what is left is the rounding to 8 bits in every layer."""
    recipe, model = recipes.load("crisp-x2"), zoo.load_model("crisp-x2")
    network = build(recipe.network, 2, padded=False).eval()
    assert start_from(network, "crisp-x2") == [name for name, _ in network.named_parameters()]
    y, x = torch.meshgrid(torch.arange(60.0), torch.arange(60.0), indexing="ij")
    small = (0.5 + 0.2 * torch.sin(x / 3) * torch.cos(y / 5))[None, None]
    run = OpenVINOEngine().load(model.network, EngineSettings(threads=1, precision="fp32"))
    result = torch.from_numpy(run(small.numpy())[0])[..., 40:-40, 40:-40]
    with torch.no_grad():
        assert (network(small)[..., 40:-40, 40:-40] - result).abs().max() < 0.2 / 255


def test_a_shipped_model_computes_as_a_start_what_it_computes_in_an_engine() -> None:
    model, network = zoo.load_model("espcn-x2"), build("espcn", 2, padded=False)
    start_from(network, "espcn-x2")
    small = torch.rand(1, 1, 20, 24)
    run = OpenVINOEngine().load(model.network, EngineSettings(threads=1, precision="fp32"))
    result = torch.from_numpy(run(small.numpy())[0])[..., 10:-10, 10:-10]
    torch.testing.assert_close(network(small), result, atol=1e-5, rtol=0)


def test_progress_survives_as_text() -> None:
    progress = state.Progress(3, 0.1 + 0.2, 31.4, 2, 1.5, [state.EpochRecord(1, 3, 1e-3, 1e-4, None, 30.0, 1.5)])
    assert state.Progress.from_json(json.loads(json.dumps(progress.to_json()))) == progress
