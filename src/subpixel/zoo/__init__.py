"""The models: those that ship in the package, and a user's own from a path.

A model is a folder with `card.toml` and its ONNX file. Adding one to the package is adding such a folder under
`models/`; nothing else changes.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Final

from subpixel.errors import ModelDamaged, ModelUnknown
from subpixel.types import NetworkFile, Quality
from subpixel.zoo.card import COLOUR, Card, Colour, Output, Score, read_card
from subpixel.zoo.line import DEFAULT_QUALITY, QUALITIES, RESTORE, defaults

__all__ = [
    "COLOUR",
    "DEFAULT_QUALITY",
    "QUALITIES",
    "Card",
    "Colour",
    "Model",
    "Output",
    "Score",
    "candidates",
    "card",
    "default_models",
    "families",
    "load_colour",
    "load_model",
    "model_names",
    "read_card",
    "restores",
]

_MODELS: Final = Path(__file__).parent / "models"
_COLOURS: Final = Path(__file__).parent / "colours"
"""Networks that mend colour, in folders as those of models."""


@dataclass(frozen=True, slots=True)
class Model:
    """A card with its verified network."""

    card: Card
    network: NetworkFile


@cache
def model_names() -> tuple[str, ...]:
    """Names of the models in the package, sorted."""
    return tuple(sorted(path.parent.name for path in _MODELS.glob("*/card.toml")))


def _there(path: Path, question: Callable[[Path], bool]) -> bool:
    """A question about a path, no where the system refuses it (a name too long, a folder that is locked)."""
    try:
        return question(path)
    except OSError:
        return False


def _folder(name: str | Path) -> Path | None:
    """The folder of a model given by path (folder, card or ONNX file), None where `name` is no path."""
    path = Path(name)
    if not str(name):
        return None
    if path.suffix in (".onnx", ".toml") or "/" in str(name) or os.sep in str(name) or _there(path, Path.is_dir):
        return path if path.suffix not in (".onnx", ".toml") else path.parent
    return None


@cache
def _own_card(name: str) -> Card:
    found = read_card(_MODELS / name / "card.toml")
    if found.name != name:
        raise ModelDamaged(f"the card in the folder {name} is named {found.name}")
    return found


def card(name: str | Path) -> Card:
    """The card of one model, by its name or by a path to a folder, card or ONNX file.

    Raises:
        ModelUnknown: no such model; the nearest names are in the hint.
        ModelDamaged: its card is missing or malformed.
    """
    if str(name) in model_names():
        return _own_card(str(name))
    folder = _folder(name)
    if folder is not None:
        if not _there(Path(name), Path.exists):
            raise ModelUnknown(f"there is no model at {name}", "subpixel models lists those in the package")
        found = read_card(Path(name) if Path(name).suffix == ".toml" else folder / "card.toml")
        if Path(name).suffix == ".onnx" and found.weights != Path(name).name:
            raise ModelDamaged(
                f"the card beside {name} describes {found.weights}", "put each network in its own folder"
            )
        return found
    near = get_close_matches(str(name), (*model_names(), *families()), 2, 0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "subpixel models lists those there are"
    raise ModelUnknown(f"no model is called {str(name)!r}", hint)


@cache
def families() -> tuple[str, ...]:
    """Names of the families in the package."""
    return tuple(sorted({_own_card(name).family for name in model_names()}))


def default_models(quality: Quality = DEFAULT_QUALITY, *, restore: bool = False) -> dict[int, str]:
    """The model that is used for each scale where none is named; see `subpixel.zoo.line`."""
    return defaults(model_names(), quality, restore=restore)


def candidates(
    model: str | Path | None, *, quality: Quality = DEFAULT_QUALITY, restore: bool = False
) -> dict[int, str | Path]:
    """The models that may be used together, by scale; one with several outputs stands at each of its scales.

    Args:
        model: a model's name or path (that model alone), a family's name (all its scales), or None (the defaults).
        quality: which defaults.
        restore: take what was trained on squeezed pictures, where there is such a default, family or model.

    Raises:
        ModelUnknown: as `card`.
    """
    if model is None:
        return dict(default_models(quality, restore=restore))
    if restore:
        model = _restoring(model)
    if str(model) in families():
        members = [_own_card(name) for name in model_names()]
        own = [member for member in members if member.family == str(model)]
        smaller = {scale: member.name for member in own for scale in member.scales}
        found: dict[int, str | Path] = {**smaller, **{member.scale: member.name for member in own}}
        return dict(sorted(found.items()))
    one = card(model)
    if one.task == COLOUR:
        raise ModelUnknown(f"{one.name} does not enlarge: it mends colour", "subpixel models lists those that do")
    return dict.fromkeys(one.scales, model)


def _restoring(model: str | Path) -> str | Path:
    """What stands beside a family or model of the package and was trained on squeezed pictures; itself, if nothing."""
    if f"{model}{RESTORE}" in families():
        return f"{model}{RESTORE}"
    if str(model) in model_names():
        own = _own_card(str(model))
        for name in model_names():
            other = _own_card(name)
            if (other.family, other.scales) == (f"{own.family}{RESTORE}", own.scales):
                return name
    return model


def restores(model: str | Path) -> bool:
    """True for a model or family that was trained on squeezed pictures: its family's name says so.

    Raises:
        ModelUnknown: as `card`.
    """
    return all(card(name).family.endswith(RESTORE) for name in candidates(model).values())


def load_model(name: str | Path) -> Model:
    """Read a model's card and weights, and verify the weights against the card's hash.

    Raises:
        ModelUnknown: no such model.
        ModelDamaged: the card is malformed, or the weights are missing or changed.
    """
    found = card(name)
    folder = _MODELS / str(name) if str(name) in model_names() else _folder(name)
    return _verified(found, (folder or _MODELS) / found.weights)


def load_colour(name: str) -> Model:
    """A network that mends colour, as `Card.mends` names it.

    Raises:
        ModelDamaged: there is none of that name, or it is malformed, missing or changed.
    """
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name) or not (_COLOURS / name).is_dir():
        there = ", ".join(sorted(path.name for path in _COLOURS.iterdir()))
        raise ModelDamaged(f"no network called {name!r} mends colour", f"those there are: {there}")
    found = read_card(_COLOURS / name / "card.toml")
    return _verified(found, _COLOURS / name / found.weights)


def _verified(found: Card, path: Path) -> Model:
    try:
        onnx = path.read_bytes()
    except OSError as error:
        raise ModelDamaged(f"the weights {path} of {found.name} cannot be read: {error.strerror}") from error
    digest = hashlib.sha256(onnx).hexdigest()
    if digest != found.sha256:
        raise ModelDamaged(
            f"the weights {path} are not those of the card (sha256 {digest[:12]}…, the card says {found.sha256[:12]}…)",
            "install the package again, or correct the card if you changed the network on purpose",
        )
    network = NetworkFile(
        found.name, onnx, found.scale, found.channels, found.halo, found.scales, found.align, found.int8
    )
    return Model(found, network)
