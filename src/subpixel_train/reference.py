"""The settings of a recipe as a Markdown table: `python -m subpixel_train.reference`.

`docs/how-to/train.md` holds its output; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from subpixel_train.recipe import Recipe


def table(model: type[BaseModel] = Recipe) -> str:
    """One row per setting, sections written with dots."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    return "\n".join([*rows, *_rows(model, "")]) + "\n"


def _rows(model: type[BaseModel], section: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _rows(field.annotation, f"{section}{name}.")
        else:
            choices = [item for item in get_args(field.annotation) if isinstance(item, str)]
            kinds = f" ({', '.join(choices)})" if choices else ""
            yield f"| `{section}{name}` | {_default(field)} | {field.description}{kinds} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    return "none" if field.default is None else f"`{field.default}`"


if __name__ == "__main__":
    print(table(), end="")
