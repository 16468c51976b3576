"""The community's networks: opened by their weights' names, exported, and computing what PyTorch computes."""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="converting needs PyTorch: pip install 'subpixel[train,convert]'")
onnx = pytest.importorskip("onnx", reason="converting needs onnx: pip install 'subpixel[train,convert]'")

from community import FORMS, build, renamed  # noqa: E402
from drawn import draw  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

import subpixel  # noqa: E402
from subpixel import zoo  # noqa: E402
from subpixel.cli.main import invoke  # noqa: E402
from subpixel.errors import ModelDamaged, ModelError, ModelUnknown, OutputExists, SettingError, TrainingError  # noqa: E402
from subpixel_train.convert import Options, cards, community, convert, cost, parity, reach  # noqa: E402
from subpixel_train.train.state import RECIPE, WEIGHTS  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def memory_as_counted() -> Iterator[None]:
    """Memory is measured in a process of its own, which test_convert_isr does for once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cost, "values_held", lambda onnx, **facts: facts["guess"])
        yield


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folder of each converted network, made when first asked for."""
    root = tmp_path_factory.mktemp("models")

    class Made(dict[str, Path]):
        def __missing__(self, name: str) -> Path:
            source = root / f"{name}.pth"
            torch.save({"params_ema": build(name).state_dict()}, source)
            self[name] = convert(source, root / name).card.parent
            return self[name]

    return Made()


def enlarged(picture: np.ndarray, model: Path, tile: int = 1024) -> np.ndarray:
    """What upscaling makes of a picture with a converted model, in fp32."""
    with subpixel.Upscaler(model, precision="fp32", threads=1, tile=tile) as upscaler:
        made = upscaler.upscale(picture, scale=zoo.card(model).scale)
    assert isinstance(made, np.ndarray)
    return made


def by_torch(name: str, picture: np.ndarray, halo: int, align: int) -> np.ndarray:
    """What the network itself makes of a picture (H, W, 3) uint8, with its border repeated as upscaling does."""
    network = build(name)
    height, width = picture.shape[:2]
    far = [halo + -length % align for length in (height, width)]
    padded = np.pad(picture, ((halo, far[0]), (halo, far[1]), (0, 0)), mode="edge")
    x = torch.from_numpy(np.ascontiguousarray(padded.transpose(2, 0, 1))).float()[None] / 255
    with torch.inference_mode():
        y = network(x)[0].numpy().transpose(1, 2, 0)
    scale = y.shape[0] // padded.shape[0]
    y = y[halo * scale : (halo + height) * scale, halo * scale : (halo + width) * scale]
    return np.rint(np.clip(y, 0, 1) * 255).astype(np.uint8)


FULL = ("ESRGAN", "Compact", "SPAN", "SwinIR", "HAT", "PLKSR")
EXACT = ("ESRGAN", "Compact", "SPAN", "SwinIR", "PLKSR")
WINDOWS = {"SwinIR": 8, "HAT": 8, "OmniSR": 8, "SAFMN": 8}


@pytest.mark.parametrize("name", FULL)
def test_upscaling_gives_what_pytorch_gives(name: str, models: dict[str, Path]) -> None:
    card = zoo.card(models[name])
    picture = draw(45, 70, 3)
    made = enlarged(picture, models[name])
    wanted = by_torch(name, picture, -(-card.halo // card.align) * card.align, card.align)
    assert made.shape == wanted.shape == (45 * card.scale, 70 * card.scale, 3)
    assert wanted.std() > 5, "the test's own network should make more than a flat picture"
    assert np.abs(made.astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("name", FULL)
def test_the_card_tells_how_far_it_sees(name: str, models: dict[str, Path]) -> None:
    card = zoo.card(models[name])
    assert card.align == WINDOWS.get(name, 1)
    assert card.colour == "rgb" and card.value_range == (0.0, 1.0)
    assert card.parameters > 1000 and card.macs > 1000 and card.activations > 10
    assert card.licence == "unknown"
    assert ("Tiles never show." in card.summary) == (name in EXACT)


@pytest.mark.parametrize("name", EXACT)
def test_tiles_never_show(name: str, models: dict[str, Path]) -> None:
    picture = draw(75, 90, 5)
    whole, tiled = (enlarged(picture, models[name], tile) for tile in (1024, 32))
    assert np.abs(whole.astype(int) - tiled).max() <= 1


def test_tiles_of_what_sees_everything_stay_near(models: dict[str, Path]) -> None:
    """HAT pools over the whole picture: the card says that tiles differ, and by how much."""
    card = zoo.card(models["HAT"])
    assert "looks at the whole picture" in card.summary and "levels" in card.summary


def test_the_halo_of_a_chain_of_convolutions_is_exact(models: dict[str, Path]) -> None:
    assert zoo.card(models["Compact"]).halo == 5  # first, three, last: five kernels of 3


def test_the_source_stands_on_the_card(models: dict[str, Path]) -> None:
    folder = models["Compact"]
    facts = tomllib.loads((folder / "card.toml").read_text(encoding="utf-8"))
    source = folder.parent / "Compact.pth"
    assert "Compact.pth" in facts["training"] and hashlib.sha256(source.read_bytes()).hexdigest() in facts["training"]
    assert facts["sha256"] == hashlib.sha256((folder / "Compact.onnx").read_bytes()).hexdigest()


@pytest.mark.parametrize("style", ["old", "new", "bsrgan"])
def test_all_names_of_esrgan_are_one_network(style: str) -> None:
    network = build("ESRGAN")
    weights = dict(network.state_dict())
    opened = community.open_weights(weights if style == "old" else renamed(weights, style), style)
    x = torch.rand(1, 3, 9, 11)
    with torch.inference_mode():
        torch.testing.assert_close(opened.network(x), network(x))
    assert (opened.architecture, opened.scale, opened.channels) == ("ESRGAN", 4, 3)


@pytest.mark.parametrize("name", FORMS)
def test_every_architecture_is_recognised_and_still_computes_the_same(name: str) -> None:
    """What is changed for the exporter changes no result, at sizes that the network takes."""
    network = build(name)
    opened = community.open_weights(dict(network.state_dict()), name)
    x = torch.rand(1, 3, opened.minimum + 2 * opened.align, opened.minimum + opened.align)
    with torch.inference_mode():
        torch.testing.assert_close(opened.network(x.clone()), network(x.clone()), rtol=1e-4, atol=1e-5)
    assert opened.align == WINDOWS.get(name, 1)


def test_folded_pixels_count_in_the_alignment() -> None:
    """Real-ESRGAN ×2 begins with folding 2×2 pixels into channels."""
    weights = build("ESRGAN", in_nc=12, shuffle_factor=2).state_dict()
    opened = community.open_weights(dict(weights), "x2")
    assert (opened.scale, opened.channels, opened.align % 2) == (2, 3, 0)


def test_safetensors_half_and_options(tmp_path: Path) -> None:
    source = tmp_path / "my net (v2).safetensors"
    save_file(build("Compact").state_dict(), source)
    whole = convert(source, tmp_path / "whole", Options(name="net", title="Mine", licence="CC-BY-4.0", halo=9))
    card = zoo.card(tmp_path / "whole")
    assert (card.name, card.title, card.licence, card.halo) == ("net", "Mine", "CC-BY-4.0", 9)
    assert not any("licence" in note for note in whole.notes) and "Tiles never show." in whole.notes
    half = convert(source, tmp_path / "half", Options(half=True))
    assert zoo.card(tmp_path / "half").name == "my-net-v2"
    assert any("half precision" in note for note in half.notes)
    sizes = [next((tmp_path / kind).glob("*.onnx")).stat().st_size for kind in ("whole", "half")]
    assert sizes[1] < 0.7 * sizes[0]
    picture = draw(30, 30, 1)
    a, b = (enlarged(picture, tmp_path / kind) for kind in ("whole", "half"))
    assert np.abs(a.astype(int) - b).max() <= 1
    with pytest.raises(OutputExists, match="--overwrite"):
        convert(source, tmp_path / "half")


def test_a_chosen_halo_says_what_tiles_then_change() -> None:
    measured = reach.Reach(3, exact=True, beyond=(0.5, 0.2, 0.1, 0.0, 0.0))
    assert measured.at(5).exact and measured.at(5).halo == 5
    narrow = measured.at(1)
    assert (narrow.exact, narrow.halo, narrow.seam) == (False, 1, 0.2)
    assert "tiles change results by up to 51.0 of 255 levels" in cards.about_tiles(narrow)


def test_pooling_is_seen_where_derivatives_do_not_show_it() -> None:
    """A derivative follows the largest of pooled values only; what is replaced may become the largest."""
    opened = community.open_weights(dict(build("SAFMN").state_dict()), "SAFMN")
    facts = (opened.channels, opened.scale, opened.align, opened.minimum)
    run = parity.by_torch(opened.network)
    measured = reach.measure(opened.network, run, *facts)
    assert measured.exact and measured.halo % 8 == 0
    assert reach.influence(run, *facts)[measured.halo :].max() <= reach.NOTHING


class Malicious:
    """A pickle that would write a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("how", ["pickle", "torch"])
def test_code_in_a_file_is_never_run(how: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source, trace = tmp_path / "evil.pth", tmp_path / "ran"
    content = {"params": Malicious(trace)}
    if how == "torch":
        torch.save(content, source)
    else:
        source.write_bytes(pickle.dumps(content))
    assert invoke(["convert", str(source), "--output", str(tmp_path / "out")]) == TrainingError.exit_code
    error = capfd.readouterr().err
    assert error.startswith("subpixel: ") and error.count("\n") == 1
    assert not trace.exists() and not (tmp_path / "out").exists()


def saved(path: Path, weights: object) -> Path:
    torch.save(weights, path)
    return path


def test_what_is_no_model_is_named(tmp_path: Path) -> None:
    ones = torch.ones(3)
    with pytest.raises(ModelUnknown, match=r"no architecture known here: known are .*ESRGAN.*SwinIR"):
        convert(saved(tmp_path / "a.pth", {"layer.weight": ones}))
    with pytest.raises(ModelUnknown, match="No such file"):
        convert(tmp_path / "nothing.pth")
    with pytest.raises(ModelUnknown, match="is a folder"):
        convert(tmp_path)
    (tmp_path / "a.txt").write_text("weights")
    with pytest.raises(ModelUnknown, match="is no model by its name"):
        convert(tmp_path / "a.txt")
    (tmp_path / "b.pth").write_bytes(b"")
    with pytest.raises(ModelDamaged, match="is empty"):
        convert(tmp_path / "b.pth")
    (tmp_path / "c.pth").write_text("<!DOCTYPE html><html>404</html>")
    with pytest.raises(ModelDamaged, match="page or pointer"):
        convert(tmp_path / "c.pth")
    (tmp_path / "d.pth").write_bytes(os.urandom(999))
    with pytest.raises(TrainingError, match=r"d\.pth"):
        convert(tmp_path / "d.pth")
    weights = dict(build("Compact").state_dict())
    with pytest.raises(ModelDamaged, match="do not fit the architecture"):
        convert(saved(tmp_path / "e.pth", {**weights, "body.2.weight": ones}))
    assert not list(tmp_path.glob("*/card.toml"))


def test_what_cannot_be_used_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="scale 1: it restores"):
        convert(saved(tmp_path / "a.pth", build("Compact", upscale=1).state_dict()))
    with pytest.raises(ModelError, match="takes 4 channels"):
        convert(saved(tmp_path / "b.pth", build("ESRGAN", in_nc=4, out_nc=4).state_dict()))
    run = tmp_path / "run"
    run.mkdir()
    (run / RECIPE).write_text("name: x")
    (run / WEIGHTS).write_bytes(b"x")
    for source in (run, run / WEIGHTS):
        with pytest.raises(SettingError, match="subpixel export"):
            convert(source)


def test_without_spandrel_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(TrainingError, match=r"needs spandrel: install it with: .*--no-deps spandrel"):
        convert(saved(tmp_path / "a.pth", {"layer.weight": torch.ones(3)}))


def test_nothing_is_left_in_place_of_torchvision() -> None:
    assert community.architectures()
    module = sys.modules.get("torchvision")
    assert module is None or getattr(module, "__file__", None), "the stand-in lasts only while spandrel is imported"


def test_grey_networks_see_full_range(tmp_path: Path) -> None:
    """A network that repeats pixels gives back what it got, whatever range its luma has."""
    network = build("Compact", num_in_ch=1, num_out_ch=1)
    with torch.no_grad():
        network.body[-1].weight.zero_()
        network.body[-1].bias.zero_()  # what is left is the nearest enlargement that it adds
    card = convert(saved(tmp_path / "grey.pth", network.state_dict()), tmp_path / "grey").card
    assert zoo.card(card).colour == "y"
    low, high = zoo.card(card).value_range
    assert (16 / 255 * (high - low) + low, 235 / 255 * (high - low) + low) == pytest.approx((0, 1))
    picture = draw(20, 24, 2)[..., :1]
    made = enlarged(picture, card.parent)
    np.testing.assert_array_equal(made, picture.repeat(2, 0).repeat(2, 1))


def test_the_command_says_what_there_is_to_know(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "net.pth", build("Compact").state_dict())
    assert invoke(["convert", "net.pth"]) == 0
    out, err = capfd.readouterr()
    assert out == "net/card.toml\n"
    assert "Tiles never show." in err and "--licence" in err
    assert invoke(["models", "show", "./net"]) == 0
    assert invoke(["convert", "net.pth", "--range", "7", "--overwrite"]) == SettingError.exit_code
