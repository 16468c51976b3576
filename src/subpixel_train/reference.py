"""The reference of recipes, made from the settings' own descriptions: docs/reference/recipes.md.

`docs/generate.py` writes the page and checks that it is current.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from subpixel_train import recipe
from subpixel_train.networks import NETWORKS, NetworkSettings
from subpixel_train.recipe import Recipe


def page(made: str) -> str:
    """The whole page; `made` is the note that it is generated."""
    lines = [
        "# Recipes",
        "",
        made,
        "",
        "A recipe is a YAML file with everything that decides how a network is trained. `subpixel train NAME` takes",
        "a shipped one, `subpixel train FILE.yaml` yours, and `--set key=value` replaces a single setting, sections",
        "written with dots. A name that does not exist is refused, and the nearest one offered. `base: NAME` in a file",
        "takes another recipe's settings, sections merged, and the file then holds only what differs; an empty value",
        "takes a setting out.",
        "",
        "## Settings",
        "",
        *_table(Recipe),
        "",
        "## Networks",
        "",
        "`network: rdn` takes a network as it is by default; `network: {kind: rdn, blocks: 10}` changes its settings.",
    ]
    for settings in _models(NetworkSettings):
        network = NETWORKS[str(settings.model_fields["kind"].default)]
        lines += ["", f"### `{network.name}`: {network.title}", "", _summary(network)]
        if network.paper:
            lines += ["", f"Paper: <{network.paper}>"]
        rest = [name for name in settings.model_fields if name != "kind"]
        if rest:
            lines += ["", *_table(settings, without=("kind",))]
    for title, model in _kinds(Recipe):
        lines += ["", f"## {title}", "", "A list of steps, each with its `kind`:"]
        for kind in _models(model):
            name = kind.model_fields["kind"].default
            lines += ["", f"### `{name}`", "", _summary(kind), "", *_table(kind, ("kind",))]
    heads = ["| recipe | network | factor | length | what it is |", "|---|---|---|---|---|"]
    lines += ["", "## Shipped recipes", "", *heads]
    for name in recipe.shipped():
        shipped = recipe.load(name)
        length = f"{shipped.iterations:,} steps" if shipped.iterations else f"{shipped.epochs} epochs"
        lines.append(f"| `{name}` | {shipped.network.kind} | ×{shipped.scale} | {length} | {_heading(name)} |")
    return "\n".join(lines) + "\n"


def _heading(name: str) -> str:
    """The first sentence of the comment at the top of a shipped recipe."""
    text = (recipe.RECIPES / f"{name}.yaml").read_text(encoding="utf-8")
    said = " ".join(line.lstrip("# ") for line in text.splitlines() if line.startswith("#")).strip()
    return said.split(". ")[0].rstrip(".").replace("|", "/")


def _summary(thing: Any) -> str:
    """First paragraph of a docstring as one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def _table(model: type[BaseModel], without: tuple[str, ...] = ()) -> list[str]:
    """One row per setting, sections written with dots."""
    return ["| setting | default | meaning |", "|---|---|---|", *_rows(model, "", without)]


def _rows(model: type[BaseModel], section: str, without: tuple[str, ...] = ()) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if name in without:
            continue
        inner = _models(field.annotation)
        if len(inner) == 1 and get_origin(field.annotation) is not list:
            if not field.is_required() and field.default is None:
                yield f"| `{section}{name}` | none | {field.description} |"
            yield from _rows(inner[0], f"{section}{name}.")
            continue
        choices = list(dict.fromkeys(item for item in _choices(field.annotation) if isinstance(item, str)))
        kinds = f" ({', '.join(choices)})" if choices else ""
        yield f"| `{section}{name}` | {_default(field)} | {field.description}{kinds} |"


def _choices(annotation: Any) -> list[Any]:
    """Values of a `Literal`, also inside a union; none of a model's."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [choice for inner in get_args(annotation) for choice in _choices(inner)]


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models in a type: itself, or those of a union, list or annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for inner in get_args(annotation) for found in _models(inner)]


def _kinds(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    """Settings below `model` that are one of several kinds, but the network: title and type."""
    for name, field in model.model_fields.items():
        found = _models(field.annotation)
        if name == "network" or not found:
            continue
        if len(found) > 1:
            yield name.capitalize(), field.annotation
        else:
            yield from _kinds(found[0])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    return "none" if field.default is None else f"`{field.default}`"
