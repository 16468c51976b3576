"""Recipes: everything that decides how a network is trained, typed. One YAML file per shipped model in `recipes/`.

A file may name another recipe as its `base` and then holds only what differs from it.
"""

from __future__ import annotations

import difflib
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from subpixel.errors import SettingError, TrainingError
from subpixel_train.adversary import AdversarySettings
from subpixel_train.data.degrade import Degradation
from subpixel_train.data.settings import DataSettings
from subpixel_train.losses import DistillSettings, LossSettings
from subpixel_train.networks import NetworkSettings
from subpixel_train.train.optimiser_settings import OptimiserSettings


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CardSettings(_Settings):
    """What the model card says."""

    summary: str = Field(description="one sentence: what the model is good for")
    title: str = Field(default="", description="name for people; none: the network's")
    licence: str = Field("Apache-2.0", description="licence of the weights")
    mends: str = Field(default="", description="the network that mends colour beside this one; none: bicubic alone")
    training: str = Field(
        default="", description="how long it was trained and how far it is from the published figures"
    )
    training_data: list[str] = Field(min_length=1, description="the data and their licences, one line each")


class Recipe(_Settings):
    """The exact way a model is trained."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", description="name of the model")
    network: NetworkSettings = Field(description="the network: its name, or `kind` and its settings (see below)")
    scale: int = Field(ge=2, le=10, description="upscale factor; the largest of several outputs")
    init_from: str | None = Field(
        default=None,
        description="weights to start from where shapes agree: a run folder, a .safetensors file or a shipped model",
    )
    centre: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="luma taken as zero while training ESPCN and SRCNN; folded into the biases afterwards",
    )
    data: DataSettings = Field(description="what the network learns from")
    loss: LossSettings = Field(
        default=LossSettings(mse=1.0), description="weights of the losses; the name of one stands for weight 1"
    )
    adversary: AdversarySettings | None = Field(
        default=None, description="a discriminator that the network is trained against; none: pixels and features only"
    )
    distill: DistillSettings | None = Field(default=None, description="a larger network to learn from; none: no")
    optimiser: OptimiserSettings = Field(default=OptimiserSettings(), description="the optimiser and its rate")
    epochs: int = Field(default=0, ge=0, description="length of the training in epochs")
    iterations: int = Field(default=0, ge=0, description="length of the training in steps, in place of epochs")
    accumulate: int = Field(default=1, ge=1, description="batches whose gradients are summed for one step")
    ema: float = Field(
        default=0.0, ge=0, lt=1, description="decay of the running mean of the weights that is kept; 0: none"
    )
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = Field(
        default="bf16-mixed", description="arithmetic while training"
    )
    validate_every: int = Field(default=1, ge=1, description="epochs between validations")
    revive_steps: int = Field(
        default=0,
        ge=0,
        description="steps between looks for channels of a plain network that never fire, which begin anew; 0: never",
    )
    revive_until: float = Field(default=0.6, ge=0, le=1, description="share of the training after which none does")
    keep: Literal["best", "last"] = Field(
        default="best",
        description="weights to use: of the best held-out PSNR, or of the last validation (against an adversary)",
    )
    checkpoint_steps: int = Field(
        default=500, ge=1, description="steps between checkpoints; each epoch ends with one too"
    )
    keep_epochs: bool = Field(
        default=False, description="keep the weights of every epoch, not only the best and the last"
    )
    seed: int = Field(default=0, ge=0, description="everything random follows from it")
    card: CardSettings = Field(description="what the model card says")

    @field_validator("network", mode="before")
    @classmethod
    def _name_for_defaults(cls, value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _agree(self) -> Recipe:
        if bool(self.epochs) == bool(self.iterations):
            raise ValueError("give epochs or iterations, one of them")
        if self.centre and self.network.kind not in ("espcn", "srcnn"):
            raise ValueError(f"centre is for espcn and srcnn; {self.network.kind} subtracts the mean itself")
        if self.revive_steps and (self.network.kind != "plain" or self.network.activation != "relu"):
            raise ValueError("revive_steps is for networks of kind plain with activation: relu")
        if self.revive_steps and self.network.kind == "plain" and self.network.symmetric:
            raise ValueError("revive_steps does not go with network.symmetric: set it to 0")
        if self.network.kind.startswith("two-") and self.scale != 4:
            raise ValueError(f"{self.network.kind} makes ×2 and ×4: write scale: 4, not {self.scale}")
        return self

    def to_yaml(self) -> str:
        """The recipe as a YAML file that reads back to the same recipe."""
        return str(yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120))


_NAMED: Final = frozenset({"network", "loss"})
"""Sections for which a bare name stands for defaults."""

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
    return parse(_read(source), source, changes or [])


def _read(source: str) -> str:
    """The text of a recipe: shipped, or a file."""
    if source in shipped():
        return (RECIPES / f"{source}.yaml").read_text(encoding="utf-8")
    if Path(source).is_file():
        return Path(source).read_text(encoding="utf-8")
    near = difflib.get_close_matches(source, shipped(), 1, 0.5)
    meant = f"did you mean {near[0]}? " if near else ""
    raise SettingError(f"there is no recipe {source}", f"{meant}there are {', '.join(shipped())}, and YAML files")


def parse(text: str, source: str, changes: list[str]) -> Recipe:
    """Make a recipe of YAML text; `source` names it in errors, `changes` as in `load`."""
    values = _values(text, source, ())
    for change in changes:
        _apply(values, change)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise TrainingError(f"recipe {source}", "; ".join(_explain(item) for item in error.errors())) from None


def _values(text: str, source: str, above: tuple[str, ...]) -> dict[str, Any]:
    """The settings in a YAML text, laid over those of the recipe that it names as its base.

    Args:
        text: the recipe.
        source: its name, for errors.
        above: recipes that have this one as their base.
    """
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise TrainingError(f"recipe {source} is not YAML", str(error)) from None
    if not isinstance(values, dict):
        raise TrainingError(f"recipe {source} is not a list of settings", "each line is `key: value`")
    base = values.pop("base", None)
    if base is None:
        return values
    if base in (*above, source):
        raise TrainingError(f"recipe {source} is its own base", "name another recipe as its base")
    if not isinstance(base, str):
        raise TrainingError(f"recipe {source}: base is {base!r}", "it is the name of a recipe, as base: espcn-x4")
    return _laid_over(_values(_read(base), base, (*above, source)), values)


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Both, sections merged; what is in both is taken from `above`, and an empty value takes a setting out."""
    made = dict(below)
    for key, value in above.items():
        under = made.get(key)
        if value is None:
            made.pop(key, None)
        elif isinstance(value, dict) and isinstance(under, dict) and value.get("kind", 0) in (0, under.get("kind")):
            made[key] = _laid_over(under, value)
        else:
            made[key] = value
    return made


def _apply(values: dict[str, Any], change: str) -> None:
    key, equals, value = change.partition("=")
    if not equals or not key:
        raise SettingError(f"--set {change}", "it is key=value, as data.batch=16")
    *sections, last = key.split(".")
    for section in sections:
        inner = values.get(section)
        if isinstance(inner, str) and section in _NAMED:
            # `network: rdn` and `loss: mae` are short for a section.
            inner = {"kind": inner} if section == "network" else {}
        elif inner is None:
            inner = {}
        if not isinstance(inner, dict):
            raise SettingError(f"--set {change}", f"{section} is a setting, not a section")
        values[section] = inner
        values = inner
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
    unions = (NetworkSettings, Degradation)
    kinds = {settings.model_fields["kind"].default for union in unions for settings in get_args(get_args(union)[0])}
    place = [part for part in item["loc"] if part not in kinds]  # pydantic names the union's member too
    path = ".".join(str(part) for part in place)
    match item["type"]:
        case "missing":
            return f"{path}: is missing"
        case "value_error":
            said = str(item["ctx"]["error"])
            return f"{path}: {said}" if path else said
        case "union_tag_invalid":
            known = sorted(tag.strip("'") for tag in item["ctx"]["expected_tags"].split(", "))
            near = difflib.get_close_matches(str(item["ctx"]["tag"]), known, 1, 0.4)
            meant = f"did you mean {near[0]}? " if near else ""
            what = "network" if path == "network" else "kind"
            return f"{path}: no {what} {item['ctx']['tag']}; {meant}there are {', '.join(known)}"
        case "extra_forbidden":
            names = _fields(item["loc"][:-1])
            near = difflib.get_close_matches(str(place[-1]), names, 1, 0.4)
            return f"{path}: no such setting; " + (
                f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
            )
        case _:
            return f"{path}: {item['msg']}, not {item['input']!r}"


def _fields(section: tuple[Any, ...]) -> list[str]:
    """Names of the settings in a section of a recipe; through lists, unions and sections that may be missing."""
    models: list[type[BaseModel]] = [Recipe]
    for part in section:
        if isinstance(part, int):
            continue
        named = [
            model for model in models if "kind" in model.model_fields and model.model_fields["kind"].default == part
        ]
        models = named or [
            inner
            for model in models
            if part in model.model_fields
            for inner in _sections(model.model_fields[part].annotation)
        ]
    return sorted({name for model in models for name in model.model_fields})


def _sections(annotation: Any) -> list[type[BaseModel]]:
    """The models in a type: itself, or those of a union or list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for inner in get_args(annotation) for found in _sections(inner)]
