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

COLOUR: Final = "colour"
"""The task of networks that mend colour at the picture's own size: Y, R−G, B−G → R−G, B−G."""


@dataclass(frozen=True, slots=True)
class Score:
    """Quality on one benchmark set: PSNR in dB and SSIM, both on Y (see docs/reference/measure.md)."""

    psnr: float
    ssim: float


@dataclass(frozen=True, slots=True)
class Output:
    """A smaller result of a network that gives several.

    Attributes:
        macs: multiply-adds per input pixel where nothing larger is wanted; 0: as many as the whole network.
        scores: quality by benchmark set.
    """

    macs: int = 0
    scores: dict[str, Score] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Card:
    """One model.

    Attributes:
        name: unique name, also its folder's: letters, digits, ``.``, ``_``, ``-``.
        title: name for people.
        summary: one sentence on what it is good for.
        task: what it does; ``"super-resolution"`` enlarges, ``"colour"`` mends colour at the picture's own size.
        family: models of one family differ only in scale; a family's name stands for all of them.
        scale: factor of one pass; of a network that gives several results, the largest.
        colour: what the network sees: ``"y"`` (luma of BT.601, studio range) or ``"rgb"``.
        scales: factor of every result, rising; ``(scale,)`` for a network that gives one.
        int8: True where weights are in int8 and the graph says how to round what passes between layers (QDQ form). Such
            a network runs in int8 or, without those roundings, in float; `scores` are of int8.
        bf16: False where bfloat16 shows how a picture was cut (dilated convolutions add up in another order in places);
            it is computed in fp32 then, unless bf16 is asked for by name.
        symmetric: True where a mirrored or turned picture gives the mirrored or turned result, but for rounding: the
            mean over all eight brings nothing, and is not made.
        align: 1, or for a network with strides inside: its input starts at multiples of so many small pixels, and has
            such sides.
        value_range: what 0 and 1 become at the network's input and output, e.g. (0, 1) or (0, 255).
        mends: for networks on luma trained on squeezed pictures: name of the network that mends the colour beside it.
        halo: receptive radius in input pixels: how far away a pixel can change a result.
        parameters: number of trained parameters.
        macs: multiply-adds per input pixel (for estimates of time); 0: as many as parameters.
        activations: values held per input pixel while running (for estimates of memory).
        weights: file name of the ONNX network, beside the card.
        sha256: of that file.
        licence: SPDX name.
        paper: where the network is described.
        recipe: name of the training recipe.
        training: how long it was trained, and how far from the published figure it is.
        training_data: what it was trained on.
        scores: quality of the largest result by benchmark set, in int8 where `int8` is set, else in fp32.
        float_scores: where `int8` is set, the same in fp32.
        outputs: what is known of the smaller results, by factor.
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
    scales: tuple[int, ...] = ()
    align: int = 1
    int8: bool = False
    bf16: bool = True
    symmetric: bool = False
    value_range: tuple[float, float] = (0.0, 1.0)
    parameters: int = 0
    macs: int = 0
    activations: int = 128
    paper: str = ""
    recipe: str = ""
    training: str = ""
    training_data: tuple[str, ...] = ()
    scores: dict[str, Score] = field(default_factory=dict)
    float_scores: dict[str, Score] = field(default_factory=dict)
    outputs: dict[int, Output] = field(default_factory=dict)
    mends: str = ""

    def __post_init__(self) -> None:
        if not self.scales:
            object.__setattr__(self, "scales", (self.scale,))

    @property
    def channels(self) -> int:
        """Channels of the network's input and output."""
        return 1 if self.colour == "y" else 3

    @property
    def work(self) -> int:
        """Multiply-adds per input pixel."""
        return self.macs or self.parameters

    def work_for(self, scale: int) -> int:
        """Multiply-adds per input pixel where no result larger than `scale` is wanted."""
        return self._output(scale).macs or self.work

    def scores_for(self, scale: int) -> dict[str, Score]:
        """Quality of the result of that factor, by benchmark set."""
        return self.scores if scale == self.scale else self._output(scale).scores

    def _output(self, scale: int) -> Output:
        return self.outputs.get(scale, Output())


_TYPES: Final[dict[str, type]] = {
    "name": str, "title": str, "summary": str, "task": str, "family": str, "scale": int, "colour": str, "halo": int,
    "weights": str, "sha256": str, "licence": str, "scales": list, "align": int, "value_range": list, "parameters": int,
    "macs": int, "activations": int, "paper": str, "recipe": str, "training": str, "training_data": list,
    "scores": dict, "outputs": dict, "int8": bool, "bf16": bool, "symmetric": bool, "float_scores": dict, "mends": str,
}  # fmt: skip

_KINDS: Final = {
    str: "text in quotes", int: "a whole number", list: "a list", dict: "a table", bool: "true or false"
}  # fmt: skip

_RULES: Final[tuple[tuple[str, Callable[[Any], bool], str], ...]] = (
    ("name", lambda v: re.fullmatch(r"[A-Za-z0-9._-]+", v) is not None, "use letters, digits, '.', '_' and '-'"),
    ("colour", lambda v: v in ("y", "rgb"), 'it should be "y" or "rgb"'),
    ("scale", lambda v: 1 <= v <= 16, "it should be 2 to 16: a model enlarges"),
    ("halo", lambda v: 0 <= v <= 4096, "it should be 0 to 4096"),
    ("align", lambda v: 1 <= v <= 256, "it should be 1 to 256: how many small pixels the network takes together"),
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
    float_scores = _scores(path, raw.pop("float_scores", {}))
    scales = tuple(raw.pop("scales", ()))
    outputs = dict(_output(path, name, row, scales) for name, row in raw.pop("outputs", {}).items())
    return Card(
        **raw,
        value_range=(float(low), float(high)),
        scales=scales,
        scores=scores,
        float_scores=float_scores,
        outputs=outputs,
        training_data=data,
    )


def _check(path: Path, raw: dict[str, Any]) -> None:
    for key, value in raw.items():
        if key not in _TYPES:
            raise ModelDamaged(f"the card {path} has an unknown field {key!r}", f"fields are {', '.join(_TYPES)}")
        if not isinstance(value, _TYPES[key]) or (isinstance(value, bool) and _TYPES[key] is not bool):
            raise ModelDamaged(f"the card {path} has {key} = {value!r}", f"it should be {_KINDS[_TYPES[key]]}")
    needed = [f.name for f in fields(Card) if f.default is MISSING and f.default_factory is MISSING]
    missing = [name for name in needed if name not in raw]
    if missing:
        raise ModelDamaged(f"the card {path} lacks {', '.join(missing)}", "see docs/how-to/own-model.md")
    for key, right, hint in _RULES:
        if key in raw and not right(raw[key]):
            raise ModelDamaged(f"the card {path} has {key} = {raw[key]!r}", hint)
    enlarges = raw["task"] != COLOUR
    if enlarges == (raw["scale"] == 1):
        hint = "2 to 16: a model enlarges" if enlarges else "1: colour is mended at its own size"
        hint = f"it should be {hint}"
        raise ModelDamaged(f"the card {path} has scale = {raw['scale']}", hint)
    scales = raw.get("scales", [raw["scale"]])
    whole = all(isinstance(scale, int) and scale >= 1 + enlarges for scale in scales)
    if not whole or not scales or scales[-1] != raw["scale"] or scales != sorted(set(scales)):
        raise ModelDamaged(
            f"the card {path} has scales = {scales}, scale = {raw['scale']}",
            "scales should be the factor of every result, rising, the last one being scale, as [2, 4]",
        )


def _output(path: Path, name: str, row: Any, scales: tuple[int, ...]) -> tuple[int, Output]:
    """A table ``[outputs.x2]``: the factor and what is known of that result."""
    factor = next((scale for scale in scales[:-1] if name == f"x{scale}"), None)
    if factor is None:
        smaller = ", ".join(f"x{scale}" for scale in scales[:-1]) or "none"
        raise ModelDamaged(
            f"the card {path} has [outputs.{name}]", f"it is for results smaller than scale, which are {smaller}"
        )
    macs = row.get("macs", 0) if isinstance(row, dict) else None
    if not isinstance(macs, int) or isinstance(macs, bool) or not row.keys() <= {"macs", "scores"}:
        raise ModelDamaged(f"the card {path} has [outputs.{name}] = {row!r}", "it may hold macs and scores")
    return factor, Output(macs, _scores(path, row.get("scores", {})))


def _scores(path: Path, raw: dict[str, Any]) -> dict[str, Score]:
    try:
        return {name: Score(float(row["psnr"]), float(row["ssim"])) for name, row in raw.items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        hint = "write [scores.Set5] with psnr = 30.1 and ssim = 0.86"
        raise ModelDamaged(f"the card {path} has a score without psnr and ssim", hint) from error
