"""The card of a converted network, and what has to be said aloud about it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from subpixel_train.convert.reach import Reach

STUDIO_FROM_FULL: Final = (-16 / 219, 239 / 219)
"""The card's value range of networks on full-range grey: luma comes as 16–235, which these two turn into 0–255."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the card says.

    Attributes:
        name: of the model and its file.
        title: for people.
        architecture: with its details.
        scale: factor.
        channels: 1 or 3.
        align: steps of size and place.
        reach: measured halo.
        value_range: what black and white are at the network's input.
        parameters: trained numbers.
        macs: multiply-adds per input pixel.
        activations: values held per input pixel.
        licence: as given.
        paper: its address.
        source: name of the file it was made from.
        source_sha256: of that file.
        sha256: of the ONNX file.
        bf16: difference in bf16, levels of 8 bits; None where it was not measured.
    """

    name: str
    title: str
    architecture: str
    scale: int
    channels: int
    align: int
    reach: Reach
    value_range: tuple[float, float]
    parameters: int
    macs: int
    activations: int
    licence: str
    paper: str
    source: str
    source_sha256: str
    sha256: str
    bf16: float | None = None


def clean(name: str) -> str:
    """A file's name as a model's: letters, digits, ".", "_", "-"."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "model"


def about_tiles(reach: Reach) -> str:
    """One sentence on what tiles do to the result."""
    if reach.exact:
        return "Tiles never show."
    why = "It looks at the whole picture" if reach.endless else f"It sees further than its halo of {reach.halo}"
    if reach.levels < 0.05:
        return f"{why}, but hardly: tiles change no level."
    may = "differ by a level" if reach.levels < 1 else "show"
    return f"{why}: tiles change results by up to {reach.levels:.1f} of 255 levels, and their seams may {may}."


def about_bf16(levels: float | None) -> str:
    """A sentence where bf16 is visibly worse, else nothing."""
    if levels is None or levels < 1:
        return ""
    return f"In bf16 results differ by up to {levels:.1f} levels: use --precision fp32."


def text(facts: Facts) -> str:
    """The card as TOML; JSON's strings and numbers are TOML's too."""
    summary = f"{facts.architecture}, converted from {facts.source}. {about_tiles(facts.reach)}"
    values: dict[str, object] = {
        "name": facts.name,
        "title": facts.title,
        "summary": " ".join(part for part in (summary, about_bf16(facts.bf16)) if part),
        "task": "super-resolution",
        "family": facts.name,
        "scale": facts.scale,
        "colour": "rgb" if facts.channels == 3 else "y",
        "value_range": list(facts.value_range),
        "halo": facts.reach.halo,
        "align": facts.align,
        "parameters": facts.parameters,
        "macs": facts.macs,
        "activations": facts.activations,
        "weights": f"{facts.name}.onnx",
        "sha256": facts.sha256,
        "licence": facts.licence,
        "paper": facts.paper,
        "training": f"Not trained here: converted from {facts.source}, sha256 {facts.source_sha256}.",
    }
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())
