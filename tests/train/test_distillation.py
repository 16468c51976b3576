"""A small network learns from a larger one."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from drawn import RECIPE  # noqa: E402
from pydantic import ValidationError  # noqa: E402

from subpixel.errors import TrainingError  # noqa: E402
from subpixel_train.losses import DistillSettings, mae, mse  # noqa: E402
from subpixel_train.networks import build  # noqa: E402
from subpixel_train.train import state  # noqa: E402
from subpixel_train.train.distillation import Distillation, load_trained  # noqa: E402


def keep(path: Path, name: str, scale: int) -> Path:
    """Weights of an untrained network, with the words that a training writes beside them."""
    torch.manual_seed(scale)
    state.save_weights(path, dict(build(name, scale).state_dict()), {"network": name, "scale": str(scale)})
    return path


def run_folder(path: Path, name: str, scale: int) -> Path:
    keep(path / state.WEIGHTS, name, scale)
    text = RECIPE.replace("espcn", name).replace("scale: 2", f"scale: {scale}")
    (path / state.RECIPE).write_text(text, encoding="utf-8")
    return path


def test_the_distance_is_to_what_the_teacher_makes(tmp_path: Path) -> None:
    teacher = str(run_folder(tmp_path / "teacher", "espcn", 2))
    student = build("espcn", 2, padded=False)
    distillation = Distillation(DistillSettings(model=teacher, weight=0.5, loss="mse"), student).train()
    small = torch.rand(2, 1, 20, 24)
    results = student.outputs(small)
    loss = distillation(small, results)
    wanted = load_trained(teacher).upscale(small)[0][..., 10:-10, 10:-10]
    assert results[0].shape == wanted.shape == (2, 1, 20, 28)
    assert loss.item() == pytest.approx(mse(results[0], wanted).item()) and distillation.weight == 0.5
    loss.backward()
    assert all(p.grad is not None for p in student.parameters())
    assert not distillation.training and all(p.grad is None for p in distillation.teacher.parameters())


def test_a_student_that_equals_its_teacher_has_nothing_to_learn(tmp_path: Path) -> None:
    path = keep(tmp_path / "w.safetensors", "espcn", 3)
    student = load_trained(str(path))
    small = torch.rand(1, 1, 16, 16)
    assert Distillation(DistillSettings(model=str(path)), student)(small, student.upscale(small)).item() == 0


def test_outputs_are_matched_by_scale(tmp_path: Path) -> None:
    path = str(keep(tmp_path / "w.safetensors", "two-basic", 4))
    small = torch.rand(1, 3, 12, 12)
    student = build("two-residual", 4)
    distillation = Distillation(DistillSettings(model=path), student)
    wanted, results = load_trained(path).upscale(small), student.outputs(small)
    expected = (mae(results[0], wanted[0]) + mae(results[1], wanted[1])) / 2
    assert distillation.scales == (2, 4)
    assert distillation(small, results).item() == pytest.approx(expected.item(), rel=1e-5)


def test_loading_a_teacher_draws_no_random_numbers(tmp_path: Path) -> None:
    path = keep(tmp_path / "w.safetensors", "espcn", 2)
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    load_trained(str(path))
    assert torch.equal(torch.rand(3), expected)


def test_teachers_that_do_not_fit(tmp_path: Path) -> None:
    luma, rgb = (
        str(keep(tmp_path / "luma.safetensors", "espcn", 2)),
        str(keep(tmp_path / "rgb.safetensors", "two-basic", 4)),
    )
    with pytest.raises(TrainingError, match="enlarges ×2, espcn ×3: give a teacher of the same scale"):
        Distillation(DistillSettings(model=luma), build("espcn", 3))
    with pytest.raises(TrainingError, match="works on RGB, espcn on luma"):
        Distillation(DistillSettings(model=rgb), build("espcn", 4))
    with pytest.raises(TrainingError, match="srcnn works on enlarged pictures"):
        Distillation(DistillSettings(model=luma), build("srcnn", 2))


def test_teachers_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"there is no .*nowhere"):
        load_trained(str(tmp_path / "nowhere"))
    state.save_weights(tmp_path / "odd.safetensors", {"odd": torch.zeros(1)}, {})
    with pytest.raises(TrainingError, match="does not say of which network"):
        load_trained(str(tmp_path / "odd.safetensors"))
    state.save_weights(tmp_path / "odd.safetensors", {"odd": torch.zeros(1)}, {"network": "espcn", "scale": "2"})
    with pytest.raises(TrainingError, match="not those of its network"):
        load_trained(str(tmp_path / "odd.safetensors"))
    with pytest.raises(ValidationError, match="greater than 0"):
        DistillSettings(model="a", weight=0)
