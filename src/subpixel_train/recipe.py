"""Recipes: everything that decides how a network is trained, typed. One YAML file per shipped model in `recipes/`."""

from __future__ import annotations

import difflib
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from subpixel.errors import SettingError, TrainingError


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSettings(_Settings):
    """What a network learns from."""

    folders: list[str] = Field(min_length=1, description="folders of photographs, relative to --data")
    mode: Literal["crops", "tiles", "centre"] = Field(
        default="crops",
        description="random crops; a grid of sub-images (SRCNN's way); or one central crop per picture (ESPCN's way)",
    )
    crop: int = Field(
        default=64,
        ge=13,
        description="side of a crop, in pixels of the network's input; of the photograph in mode centre",
    )
    stride: int = Field(
        default=14, ge=1, description="distance of the grid in mode tiles, in pixels of the network's input"
    )
    batch: int = Field(default=8, ge=1, description="crops in a batch")
    epoch_steps: int = Field(default=1000, ge=1, description="batches that count as an epoch in mode crops")
    sizes: list[float] = Field(
        default=[1.0],
        min_length=1,
        description="sizes at which each photograph is used; reduced ones have more detail and no JPEG blocks",
    )
    flat: float = Field(default=0.0, ge=0, le=0.5, description="chance of a crop of one level: white has to stay white")
    held_out: int = Field(default=20, ge=0, description="photographs kept for validation, never trained with")
    test: str | None = Field(
        default=None,
        description="benchmark folder (HR/xR, LR/xR) whose PSNR is logged after every epoch; never used to choose",
    )


class OptimiserSettings(_Settings):
    """The optimiser and how its learning rate runs."""

    kind: Literal["adam", "soap"] = Field(
        default="adam", description="Adam, or SOAP: Adam in the eigenbasis of the gradients"
    )
    rate: float | list[float] = Field(
        default=1e-3, description="learning rate at the start, or one per layer from input to output"
    )
    shape: Literal["constant", "cosine", "exponential"] = Field(
        default="cosine", description="how the rate falls from the start to the end of the training"
    )
    final: float = Field(default=0.0, ge=0, le=1, description="rate at the end, as a share of the rate at the start")
    warmup: int = Field(default=0, ge=0, description="steps over which the rate rises from 0")
    betas: tuple[float, float] = Field(default=(0.9, 0.999), description="decay of the two moments")
    clip: float | None = Field(default=None, gt=0, description="largest norm of the gradient; none: not clipped")

    @model_validator(mode="after")
    def _exponential_needs_an_end(self) -> OptimiserSettings:
        if self.shape == "exponential" and self.final == 0:
            raise ValueError("shape exponential needs final above 0")
        return self


class CardSettings(_Settings):
    """What the model card says."""

    summary: str = Field(description="one sentence: what the model is good for")
    licence: str = Field("Apache-2.0", description="licence of the weights")
    training_data: list[str] = Field(min_length=1, description="the data and their licences, one line each")


class Recipe(_Settings):
    """The exact way a model is trained."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", description="name of the model")
    network: Literal["espcn", "srcnn"] = Field(description="the network, a file in networks/")
    scale: int = Field(ge=2, le=8, description="upscale factor")
    init_from: str | None = Field(
        default=None,
        description="weights to start from where shapes agree: a run folder, a .safetensors file or a shipped model",
    )
    centre: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="luma taken as zero while training; folded into the biases afterwards",
    )
    data: DataSettings = Field(description="what the network learns from")
    loss: Literal["mse", "mae", "charbonnier", "psnr"] = Field(default="mse", description="pixel loss")
    optimiser: OptimiserSettings = Field(default=OptimiserSettings(), description="the optimiser and its rate")
    epochs: int = Field(ge=1, description="length of the training")
    ema: float = Field(
        default=0.0, ge=0, lt=1, description="decay of the running mean of the weights that is kept; 0: none"
    )
    precision: Literal["32-true", "bf16-mixed"] = Field(default="bf16-mixed", description="arithmetic while training")
    validate_every: int = Field(default=1, ge=1, description="epochs between validations")
    checkpoint_steps: int = Field(
        default=500, ge=1, description="steps between checkpoints; each epoch ends with one too"
    )
    keep_epochs: bool = Field(
        default=False, description="keep the weights of every epoch, not only the best and the last"
    )
    seed: int = Field(default=0, ge=0, description="everything random follows from it")
    card: CardSettings = Field(description="what the model card says")

    def to_yaml(self) -> str:
        """The recipe as a YAML file that reads back to the same recipe."""
        return str(yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120))


RECIPES: Final = resources.files("subpixel_train") / "recipes"


def shipped() -> list[str]:
    """Names of the shipped recipes."""
    return sorted(item.name.removesuffix(".yaml") for item in RECIPES.iterdir() if item.name.endswith(".yaml"))


def load(source: str, changes: list[str] | None = None) -> Recipe:
    """Read a recipe.

    Args:
        source: name of a shipped recipe, or path of a YAML file.
        changes: settings to replace, each ``"key=value"`` with dots into sections, e.g. ``"data.batch=16"``.

    Raises:
        SettingError: no such recipe, or a change that names no setting.
        TrainingError: a recipe that is malformed.
    """
    if source in shipped():
        text = (RECIPES / f"{source}.yaml").read_text(encoding="utf-8")
    elif Path(source).is_file():
        text = Path(source).read_text(encoding="utf-8")
    else:
        near = difflib.get_close_matches(source, shipped(), 1, 0.5)
        meant = f"did you mean {near[0]}? " if near else ""
        raise SettingError(f"there is no recipe {source}", f"{meant}there are {', '.join(shipped())}, and YAML files")
    return parse(text, source, changes or [])


def parse(text: str, source: str, changes: list[str]) -> Recipe:
    """Make a recipe of YAML text; `source` names it in errors, `changes` as in `load`."""
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise TrainingError(f"recipe {source} is not YAML", str(error)) from None
    if not isinstance(values, dict):
        raise TrainingError(f"recipe {source} is not a list of settings", "each line is `key: value`")
    for change in changes:
        _apply(values, change)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise TrainingError(f"recipe {source}", "; ".join(_explain(item) for item in error.errors())) from None


def _apply(values: dict[str, Any], change: str) -> None:
    key, equals, value = change.partition("=")
    if not equals or not key:
        raise SettingError(f"--set {change}", "it is key=value, as data.batch=16")
    *sections, last = key.split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise SettingError(f"--set {change}", f"{section} is a setting, not a section")
    try:
        values[last] = _number(yaml.safe_load(value))
    except yaml.YAMLError as error:
        raise SettingError(f"--set {change}", str(error)) from None


def _number(value: Any) -> Any:
    """YAML reads 1e-3 as text; a person means a number."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _explain(item: Any) -> str:
    """One line for one mistake: the field, what is wrong, the nearest field that exists."""
    path = ".".join(str(part) for part in item["loc"])
    if item["type"] != "extra_forbidden":
        return f"{path}: {item['msg']}, not {item['input']!r}" if item["type"] != "missing" else f"{path}: is missing"
    names = _fields(item["loc"][:-1])
    near = difflib.get_close_matches(str(item["loc"][-1]), names, 1, 0.4)
    return f"{path}: no such setting; " + (f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}")


def _fields(section: tuple[Any, ...]) -> list[str]:
    model: type[BaseModel] = Recipe
    for part in section:
        annotation = model.model_fields[str(part)].annotation
        assert isinstance(annotation, type) and issubclass(annotation, BaseModel)
        model = annotation
    return list(model.model_fields)
