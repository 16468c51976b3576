"""Files of other people's weights: opened safely, or refused in one line."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from safetensors.torch import save_file  # noqa: E402

from subpixel.errors import TrainingError  # noqa: E402
from subpixel_train.pretrained import find, load_weights_file  # noqa: E402

WEIGHTS = {"conv.weight": torch.arange(6.0).reshape(2, 3), "conv.bias": torch.ones(2)}


def same(found: dict[str, torch.Tensor]) -> bool:
    return found.keys() == WEIGHTS.keys() and all(torch.equal(found[name], WEIGHTS[name]) for name in WEIGHTS)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin", ".ckpt"])
@pytest.mark.parametrize("zipped", [True, False])
def test_what_torch_saves(tmp_path: Path, suffix: str, zipped: bool) -> None:
    path = tmp_path / f"weights{suffix}"
    torch.save(WEIGHTS, path, _use_new_zipfile_serialization=zipped)
    assert same(load_weights_file(path))


def test_safetensors(tmp_path: Path) -> None:
    save_file(WEIGHTS, tmp_path / "weights.safetensors")
    assert same(load_weights_file(tmp_path / "weights.safetensors"))


@pytest.mark.parametrize(
    "content",
    [
        {"params": {"other": torch.zeros(1)}, "params_ema": WEIGHTS},
        {"state_dict": WEIGHTS, "epoch": 7, "optimizer": {"lr": 0.1}},
        {"model": WEIGHTS},
        {f"module.{name}": value for name, value in WEIGHTS.items()},
        {"params": {f"module.{name}": torch.nn.Parameter(value) for name, value in WEIGHTS.items()}},
        {**WEIGHTS, "step": 3},
    ],
)
def test_weights_one_level_down(tmp_path: Path, content: dict[str, Any]) -> None:
    torch.save(content, tmp_path / "weights.pth")
    found = load_weights_file(tmp_path / "weights.pth")
    assert same(found)
    assert not any(value.requires_grad for value in found.values())


class Payload:
    """Runs a command when it is unpickled by a careless reader."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.proof}'",)


@pytest.mark.parametrize("how", ["torch", "torch-legacy", "pickle"])
def test_a_pickle_with_code_is_refused_and_never_run(tmp_path: Path, how: str) -> None:
    proof, path = tmp_path / "it-ran", tmp_path / "weights.pth"
    content = {**WEIGHTS, "extra": Payload(proof)}
    if how == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=how == "torch")
    with pytest.raises(TrainingError, match=r"holds more than weights and was not opened.*safetensors|not a file of"):
        load_weights_file(path)
    assert not proof.exists()
    if how != "pickle":
        torch.load(path, weights_only=False)  # the file does bite: it is this reader that does not
        assert proof.exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("damage", ["empty", "text", "half"])
def test_damaged_files_are_one_line(tmp_path: Path, suffix: str, damage: str) -> None:
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(WEIGHTS, path)
    else:
        save_file(WEIGHTS, path)
    whole = path.read_bytes()
    path.write_bytes({"empty": b"", "text": b"not weights at all\n", "half": whole[: len(whole) // 2]}[damage])
    with pytest.raises(TrainingError) as error:
        load_weights_file(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_files_that_are_no_weights(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="there is no file"):
        load_weights_file(tmp_path / "nothing.pth")
    (tmp_path / "a.onnx").write_bytes(b"x")
    with pytest.raises(TrainingError, match="is not a file of weights by its name"):
        load_weights_file(tmp_path / "a.onnx")
    torch.save({"epoch": 3}, tmp_path / "a.pth")
    with pytest.raises(TrainingError, match="holds no weights"):
        load_weights_file(tmp_path / "a.pth")


def test_where_weights_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, data = tmp_path / "cache", tmp_path / "data"
    monkeypatch.setenv("SUBPIXEL_CACHE", str(cache))
    monkeypatch.setenv("SUBPIXEL_DATA", str(data))
    with pytest.raises(TrainingError, match="not on this computer") as error:
        find(("squeezenet",))
    assert "subpixel data fetch squeezenet" in error.value.hint and str(cache / "weights") in error.value.hint
    (data / "features").mkdir(parents=True)
    beside = data / "features" / "squeezenet_v1.0_fp16.safetensors"
    beside.touch()
    assert find(("squeezenet",)) == beside
    (cache / "weights").mkdir(parents=True)
    fetched = cache / "weights" / "squeezenet1_0-b66bff10.pth"
    fetched.touch()
    assert find(("squeezenet",)) == fetched
    assert find(("squeezenet",), str(beside)) == beside
    with pytest.raises(TrainingError, match="there is no file"):
        find(("squeezenet",), tmp_path / "elsewhere.pth")
