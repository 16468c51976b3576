"""The models: every card is complete, every file is the card's, and errors say what would be right."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from subpixel import zoo
from subpixel.errors import ModelDamaged, ModelUnknown
from subpixel.image.resample import resize
from subpixel.plan import align_up

SHIPPED = zoo.model_names()


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A user's own model: a copy of a shipped one."""
    folder = tmp_path / "mine"
    shutil.copytree(Path(zoo.__file__).parent / "models" / "bicubic-x2", folder)
    return folder


def test_the_published_networks_ship() -> None:
    assert {f"{family}-x{scale}" for family in ("espcn", "srcnn", "bicubic") for scale in (2, 3, 4)} <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_card_is_true(name: str) -> None:
    model = zoo.load_model(name)
    card = model.card
    assert card.name == name == (card.family if len(card.scales) > 1 else f"{card.family}-x{card.scale}")
    assert card.summary.endswith(".")
    assert card.licence == "Apache-2.0"
    assert card.scores.keys() >= {"Set5", "Set14", "BSD100"}, "a model states its quality"
    if card.parameters:
        assert card.recipe
        assert card.training_data


@pytest.mark.parametrize("name", SHIPPED)
def test_parameters_and_halo_are_those_of_the_graph(name: str) -> None:
    onnx = pytest.importorskip("onnx", reason="needs onnx to look into the graph")
    card = zoo.card(name)
    graph = onnx.load_from_string(zoo.load_model(name).network.onnx).graph
    sizes = {tensor.name: int(np.prod(tensor.dims)) for tensor in graph.initializer}
    # A halo too small would show as seams: change one far pixel and look whether the middle moves.
    # tensors of the graph that were not trained
    fixed = ("centre", "bicubic", "mean", "black", "white", "step", "zero", "fine", "middle", "projection.")
    total = sum(size for name, size in sizes.items() if not name.startswith(fixed) and not name.endswith(".scale"))
    if "finer" in sizes:  # luma comes in two parts, the second with weights that are an eighth of those for the first
        total -= sizes["first.weight"] // 2
    # Graphs that were traced hold a few constants besides, and normalisation is folded into the weights before it.
    assert card.parameters == total if card.colour == "y" else card.parameters == pytest.approx(total, rel=0.02)
    from subpixel.engines import EngineSettings, load_engine

    run = load_engine("openvino").load(zoo.load_model(name).network, EngineSettings())
    margin = align_up(card.halo, card.align)
    side = align_up(2 * margin + 3, card.align)
    batch = np.random.default_rng(3).random((1, card.channels, side, side), dtype=np.float32)
    at = margin + 1  # of a pixel that is more than the halo away from the first row and column
    moved = batch.copy()
    moved[..., at, : at - card.halo] += 1
    moved[..., : at - card.halo, at] += 1
    for scale, before, after in zip(card.scales, run(batch), run(moved), strict=True):
        middle = slice(at * scale, (at + 1) * scale)
        np.testing.assert_array_equal(before[..., middle, middle], after[..., middle, middle])


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_network_equals_resampling(scale: int) -> None:
    from subpixel.engines import EngineSettings, load_engine

    picture = np.random.default_rng(5).random((1, 23, 31), dtype=np.float32)
    run = load_engine("openvino").load(zoo.load_model(f"bicubic-x{scale}").network, EngineSettings())
    inner = slice(2 * scale, -2 * scale)
    expected = resize(picture, 23 * scale, 31 * scale)[0]
    np.testing.assert_allclose(run(picture[None])[0][0, 0][inner, inner], expected[inner, inner], atol=2e-6)


def test_defaults_exist() -> None:
    for scale, name in zoo.candidates(None).items():
        assert scale in zoo.card(name).scales


def test_family_stands_for_its_scales() -> None:
    assert zoo.candidates("espcn") == {2: "espcn-x2", 3: "espcn-x3", 4: "espcn-x4"}
    assert zoo.candidates("srcnn-x3") == {3: "srcnn-x3"}


def test_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ModelUnknown, match=r"did you mean .*espcn-x3"):
        zoo.card("espcn-3x")
    with pytest.raises(ModelUnknown, match="subpixel models"):
        zoo.card("zzzzzz")


@pytest.mark.parametrize("pick", ["", "card.toml", "bicubic-x2.onnx"])
def test_own_model_from_a_path(own: Path, pick: str) -> None:
    assert zoo.load_model(own / pick).card.scale == 2
    assert zoo.candidates(str(own / pick)) == {2: str(own / pick)}


def test_changed_weights_are_refused(own: Path) -> None:
    weights = own / "bicubic-x2.onnx"
    data = bytearray(weights.read_bytes())
    data[-20] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ModelDamaged, match="not those of the card"):
        zoo.load_model(own)


def test_missing_files(own: Path, tmp_path: Path) -> None:
    (own / "bicubic-x2.onnx").unlink()
    with pytest.raises(ModelDamaged, match="cannot be read"):
        zoo.load_model(own)
    (own / "card.toml").unlink()
    with pytest.raises(ModelDamaged, match="there is no card"):
        zoo.load_model(own)
    with pytest.raises(ModelUnknown, match="no model at"):
        zoo.card(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("scale = 2", "scale = 1", "a model enlarges"),
        ("scale = 2", 'scale = "2"', "a whole number"),
        ("halo = 2", "halo = 2\nint8 = 1", "true or false"),
        ("halo = 2", "halo = true", "a whole number"),
        ("scale = 2", "", "lacks scale"),
        ('colour = "y"', 'colour = "cmyk"', '"y" or "rgb"'),
        ("halo = 2", "halo = -1", "halo = -1"),
        ("halo = 2", "halo = 2\nhalow = 2", "unknown field 'halow'"),
        ("[0.0, 1.0]", "[1.0, 0.0]", "two rising numbers"),
        ('weights = "', 'weights = "../', "beside the card"),
        ('sha256 = "', 'sha256 = "xyz', "64 hexadecimal"),
        ("task", "[task", "cannot be read"),
        ("scale = 2", "scale = 4\nscales = [4, 2]", "the factor of every result, rising"),
        ("scale = 2", "scale = 4\nscales = [2, 3]", "the last one being scale"),
        ("scale = 2", "scale = 2\nscales = []", "the last one being scale"),
        ("scale = 2", 'scale = 2\nscales = ["2"]', "the factor of every result"),
        ("scale = 2", "scale = 2\nscales = 2", "it should be a list"),
        ("halo = 2", "halo = 2\nalign = 0", "align = 0"),
        ("halo = 2", "halo = 2\ntraining = 3", "text in quotes"),
        ("[scores.Set5]", "[outputs.x3]\nmacs = 5\n[scores.Set5]", "which are none"),
        ("[scores.Set5]", "[outputs]\nx1 = 5\n[scores.Set5]", "which are none"),
    ],
)
def test_malformed_cards_are_named(own: Path, old: str, new: str, said: str) -> None:
    path = own / "card.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ModelDamaged) as caught:
        zoo.card(own)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_card_of_several_results(own: Path) -> None:
    path = own / "card.toml"
    text = path.read_text().replace("scale = 2", 'scale = 4\nscales = [2, 4]\nalign = 2\ntraining = "For an hour."')
    path.write_text(text + "[outputs.x2]\nmacs = 7\n[outputs.x2.scores.Set5]\npsnr = 30\nssim = 0.9\n")
    card = zoo.card(own)
    assert (card.scale, card.scales, card.align, card.training) == (4, (2, 4), 2, "For an hour.")
    assert (card.work_for(2), card.work_for(4)) == (7, card.macs)
    assert card.scores_for(2) == {"Set5": zoo.Score(30, 0.9)}
    assert card.scores_for(4) == card.scores
    assert zoo.candidates(own) == {2: own, 4: own}
    assert zoo.load_model(own).network.scales == (2, 4)
    for wrong in ("macs = '7'", "mac = 7"):
        path.write_text(text + f"[outputs.x2]\n{wrong}\n")
        with pytest.raises(ModelDamaged, match="it may hold macs and scores"):
            zoo.card(own)


def test_a_card_of_one_result_needs_no_list() -> None:
    card = zoo.card("espcn-x3")
    assert (card.scales, card.align, card.training) == ((3,), 1, "")
