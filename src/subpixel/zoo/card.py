"""A model's card: the facts that upscaling needs to run it and a person needs to choose it, read from `card.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from subpixel.errors import ModelDamaged

Colour: TypeAlias = Literal["y", "rgb"]


@dataclass(frozen=True, slots=True)
class Score:
    """Quality on one benchmark set: PSNR in dB and SSIM, both on Y (see docs/reference/measure.md)."""

    psnr: float
    ssim: float


@dataclass(frozen=True, slots=True)
class Card:
    """One model.

    Attributes:
        name: unique name, also its folder's: letters, digits, ``.``, ``_``, ``-``.
        title: name for people.
        summary: one sentence on what it is good for.
        task: what it does; ``"super-resolution"`` enlarges.
        family: models of one family differ only in scale; a family's name stands for all of them.
        scale: factor of one pass.
        colour: what the network sees: ``"y"`` (luma of BT.601, studio range) or ``"rgb"``.
        value_range: what 0 and 1 become at the network's input and output, e.g. (0, 1) or (0, 255).
        halo: receptive radius in input pixels: how far away a pixel can change a result.
        parameters: number of trained parameters.
        macs: multiply-adds per input pixel (for estimates of time); 0: as many as parameters.
        activations: values held per input pixel while running (for estimates of memory).
        weights: file name of the ONNX network, beside the card.
        sha256: of that file.
        licence: SPDX name.
        paper: where the network is described.
        recipe: name of the training recipe.
        training_data: what it was trained on.
        scores: quality by benchmark set.
    """

    name: str
    title: str
    summary: str
    task: str
    family: str
    scale: int
    colour: Colour
    halo: int
    weights: str
    sha256: str
    licence: str
    value_range: tuple[float, float] = (0.0, 1.0)
    parameters: int = 0
    macs: int = 0
    activations: int = 128
    paper: str = ""
    recipe: str = ""
    training_data: tuple[str, ...] = ()
    scores: dict[str, Score] = field(default_factory=dict)

    @property
    def channels(self) -> int:
        """Channels of the network's input and output."""
        return 1 if self.colour == "y" else 3

    @property
    def work(self) -> int:
        """Multiply-adds per input pixel."""
        return self.macs or self.parameters


_TYPES: Final[dict[str, type]] = {
    "name": str, "title": str, "summary": str, "task": str, "family": str, "scale": int, "colour": str, "halo": int,
    "weights": str, "sha256": str, "licence": str, "value_range": list, "parameters": int, "macs": int,
    "activations": int, "paper": str, "recipe": str, "training_data": list, "scores": dict,
}  # fmt: skip

_KINDS: Final = {str: "text in quotes", int: "a whole number", list: "a list", dict: "a table"}

_RULES: Final[tuple[tuple[str, Callable[[Any], bool], str], ...]] = (
    ("name", lambda v: re.fullmatch(r"[A-Za-z0-9._-]+", v) is not None, "use letters, digits, '.', '_' and '-'"),
    ("colour", lambda v: v in ("y", "rgb"), 'it should be "y" or "rgb"'),
    ("scale", lambda v: 2 <= v <= 16, "it should be 2 to 16: a model enlarges"),
    ("halo", lambda v: 0 <= v <= 4096, "it should be 0 to 4096"),
    ("weights", lambda v: Path(v).name == v, "it should be the name of a file beside the card"),
    (
        "sha256",
        lambda v: re.fullmatch(r"[0-9a-f]{64}", v) is not None,
        "it should be 64 hexadecimal digits: run sha256sum on the weights",
    ),
    (
        "value_range",
        lambda v: len(v) == 2 and all(isinstance(b, int | float) for b in v) and v[0] < v[1],
        "it should be two rising numbers, as [0.0, 1.0]",
    ),
)
"""Field, test and what would be right."""


def read_card(path: Path) -> Card:
    """Read and check a card.

    Raises:
        ModelDamaged: missing, not TOML, or a field missing, unknown, of the wrong kind or out of range.
    """
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        hint = "a model is a folder with card.toml and its ONNX file; see docs/how-to/own-model.md"
        raise ModelDamaged(f"there is no card {path}", hint) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ModelDamaged(f"the card {path} cannot be read: {error}") from error
    _check(path, raw)
    low, high = raw.pop("value_range", (0.0, 1.0))
    data = tuple(str(item) for item in raw.pop("training_data", ()))
    scores = _scores(path, raw.pop("scores", {}))
    return Card(**raw, value_range=(float(low), float(high)), scores=scores, training_data=data)


def _check(path: Path, raw: dict[str, Any]) -> None:
    for key, value in raw.items():
        if key not in _TYPES:
            raise ModelDamaged(f"the card {path} has an unknown field {key!r}", f"fields are {', '.join(_TYPES)}")
        if not isinstance(value, _TYPES[key]) or isinstance(value, bool):
            raise ModelDamaged(f"the card {path} has {key} = {value!r}", f"it should be {_KINDS[_TYPES[key]]}")
    needed = [f.name for f in fields(Card) if f.default is MISSING and f.default_factory is MISSING]
    missing = [name for name in needed if name not in raw]
    if missing:
        raise ModelDamaged(f"the card {path} lacks {', '.join(missing)}", "see docs/how-to/own-model.md")
    for key, right, hint in _RULES:
        if key in raw and not right(raw[key]):
            raise ModelDamaged(f"the card {path} has {key} = {raw[key]!r}", hint)


def _scores(path: Path, raw: dict[str, Any]) -> dict[str, Score]:
    try:
        return {name: Score(float(row["psnr"]), float(row["ssim"])) for name, row in raw.items()}
    except (KeyError, TypeError, ValueError) as error:
        hint = "write [scores.Set5] with psnr = 30.1 and ssim = 0.86"
        raise ModelDamaged(f"the card {path} has a score without psnr and ssim", hint) from error
