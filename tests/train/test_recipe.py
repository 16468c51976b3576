"""Every shipped recipe parses and says what the papers say; every mistake is named."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from drawn import RECIPE

from subpixel.errors import SettingError, TrainingError
from subpixel_train import recipe as recipes
from subpixel_train.losses import LossSettings
from subpixel_train.networks import build
from subpixel_train.train.optimisers import make_optimiser
from subpixel_train.train.schedule import share

MODELS = [f"{net}{kind}-x{scale}" for net in ("espcn", "srcnn") for kind in ("", "-original") for scale in (2, 3, 4)]


def test_there_is_a_recipe_for_every_model() -> None:
    assert set(MODELS) <= set(recipes.shipped())


@pytest.mark.parametrize("name", recipes.shipped())
def test_every_shipped_recipe_parses(name: str) -> None:
    recipe = recipes.load(name)
    assert recipe.name == name
    if recipe.network.kind in ("espcn", "srcnn"):
        assert name.startswith(recipe.network.kind) and f"-x{recipe.scale}" in name
    assert recipes.parse(recipe.to_yaml(), "itself", []) == recipe
    if not getattr(recipe.network, "pretrained", False):  # whose weights are not in the package
        network = build(recipe.network, recipe.scale)
        trained = [p for p in network.parameters() if p.requires_grad]
        groups = make_optimiser(network, recipe.optimiser).param_groups
        frozen = [p for p in trained if not p.requires_grad]  # their rate is 0
        moved = sum(p.numel() for group in groups for p in group["params"])
        assert moved + sum(p.numel() for p in frozen) == network.trained_parameters
        assert bool(frozen) == (isinstance(recipe.optimiser.rate, dict) and 0 in recipe.optimiser.rate.values())
    assert recipe.data.test is None or recipe.data.test not in recipe.data.folders
    if recipe.init_from:  # a shipped model, or the run of another shipped recipe of the same network
        before = recipes.load(recipe.init_from.removeprefix("runs/"))
        assert before.name != name
        free = {"faithful", "int8", "fake_quantise"}  # settings that change no weight's shape
        if recipe.network.kind == before.network.kind == "plain":  # which may grow
            assert before.network.width <= recipe.network.width and before.network.depth <= recipe.network.depth
            free |= {"width", "depth"}
        assert before.network.model_dump(exclude=free) == recipe.network.model_dump(exclude=free)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_originals_are_the_papers(scale: int) -> None:
    srcnn = recipes.load(f"srcnn-original-x{scale}")
    assert srcnn.data.folders == ["train/t91"] and srcnn.data.mode == "tiles"
    assert (srcnn.data.crop, srcnn.data.stride, srcnn.epochs, srcnn.loss) == (33, 14, 200, LossSettings(mse=1))
    assert srcnn.optimiser.rate == [1e-4, 1e-4, 1e-5] and srcnn.optimiser.kind == "adam"
    espcn = recipes.load(f"espcn-original-x{scale}")
    assert espcn.data.folders == ["train/bsds300-train"] and espcn.data.mode == "centre"
    assert (espcn.data.crop, espcn.loss, espcn.optimiser.kind) == (256, LossSettings(mse=1), "adam")
    assert espcn.optimiser.rate == 0.01
    assert share(espcn.optimiser, 999, 1000) * 0.01 == pytest.approx(1e-4)


def test_a_near_name_is_offered() -> None:
    with pytest.raises(SettingError, match=r"there is no recipe espcnx3: did you mean espcn-x3\?"):
        recipes.load("espcnx3")


def test_settings_can_be_replaced(recipe_file: Path) -> None:
    recipe = recipes.load(
        str(recipe_file), ["data.batch=16", "optimiser.rate=1e-3", "epochs=7", "data.folders=[a, b]", "ema=0"]
    )
    assert recipe.data.batch == 16 and recipe.optimiser.rate == 1e-3 and recipe.epochs == 7
    assert recipe.data.folders == ["a", "b"] and recipe.ema == 0 and recipe.data.crop == 24


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("data.bach=3", r"data\.bach: no such setting; did you mean batch\?"),
        ("epoch=3", r"epoch: no such setting; did you mean epochs\?"),
        ("data.batch=0", r"data\.batch: .*greater than or equal to 1, not 0"),
        ("loss=mes", r"loss: no such loss; did you mean 'mse'\?"),
        ("loss.mes=1", r"loss\.mes: no such setting; did you mean mse\?"),
        ("loss.perceptual.extracter=vgg19", r"extracter: no such setting; did you mean extractor\?"),
        ("network=espnc", r"network: no network espnc; did you mean espcn\?"),
        ("network.growht=3", r"growht: no such setting"),
        ("iterations=10", r"give epochs or iterations, one of them"),
        ("optimiser.shape=exponential", r"optimiser: .*needs final above 0"),
    ],
)
def test_mistakes_are_named(recipe_file: Path, change: str, said: str) -> None:
    with pytest.raises(TrainingError, match=said) as error:
        recipes.load(str(recipe_file), [change])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("change", ["epochs", "=3", "epochs.batch=3"])
def test_a_change_is_key_and_value(recipe_file: Path, change: str) -> None:
    with pytest.raises(SettingError, match="--set"):
        recipes.load(str(recipe_file), [change])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "is not YAML"),
        ("- 1", "not a list of settings"),
        (RECIPE.replace("scale: 2\n", ""), "scale: is missing"),
    ],
)
def test_malformed_files_are_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TrainingError, match=said):
        recipes.load(str(path))


def test_one_rate_per_layer_or_one() -> None:
    recipe = recipes.parse(RECIPE, "tiny", ["optimiser.rate=[0.1, 0.2]"])
    with pytest.raises(TrainingError, match="4 layers"):
        make_optimiser(build("espcn", 2), recipe.optimiser)
    recipe = recipes.load("srcnn-original-x2")
    groups = make_optimiser(build("srcnn", 2), recipe.optimiser).param_groups
    assert [group["start"] for group in groups] == [1e-4, 1e-4, 1e-5]


def test_schedules() -> None:
    cosine = recipes.parse(RECIPE, "t", ["optimiser.warmup=10"]).optimiser
    assert share(cosine, 0, 100) == pytest.approx(0.1)
    assert share(cosine, 99, 100) == pytest.approx(0)
    assert [share(cosine, s, 100) for s in range(10, 100)] == sorted(share(cosine, s, 100) for s in range(10, 100))[
        ::-1
    ]
    constant = recipes.parse(RECIPE, "t", ["optimiser.shape=constant"]).optimiser
    assert {share(constant, s, 100) for s in range(100)} == {1.0}


def test_a_recipe_may_change_another(tmp_path: Path) -> None:
    base = recipes.load("espcn-x4")
    file = tmp_path / "mine.yaml"
    file.write_text("base: espcn-x4\nname: mine-x4\ninit_from:\ndata: {batch: 3}\noptimiser: {rate: 0.5}\n")
    made = recipes.load(str(file), ["seed=9"])
    assert (made.name, made.init_from, made.data.batch, made.optimiser.rate, made.seed) == ("mine-x4", None, 3, 0.5, 9)
    assert made.data.folders == base.data.folders and made.optimiser.kind == base.optimiser.kind == "soap"
    file.write_text(f"base: {file}\n")
    with pytest.raises(TrainingError, match="its own base"):
        recipes.load(str(file))
    file.write_text("base: espcm-x4\n")
    with pytest.raises(SettingError, match="did you mean espcn-x4"):
        recipes.load(str(file))
    file.write_text("base: [espcn-x4]\n")
    with pytest.raises(TrainingError, match="name of a recipe"):
        recipes.load(str(file))
