"""`subpixel data preview`. Heavy imports stay inside the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def preview(
    recipe: Annotated[str, typer.Argument(help="Name of a shipped recipe, or a YAML file.")],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Replace a setting, as data.crop=48. Repeatable."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The sheet, a PNG.", show_default="RECIPE-preview.png")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder that the recipe's folders are relative to.", envvar="SUBPIXEL_DATA")
    ] = None,
    each: Annotated[bool, typer.Option("--each", help="Show every degradation on its own.")] = False,
    pictures: Annotated[int, typer.Option(min=1, max=24, help="Photographs to show.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Other seeds draw other crops and values.")] = 0,
) -> None:
    """Show what a training sees: crops, their small pictures, and what was drawn to make them.

    Examples:

        subpixel data preview noise-cancel --data pictures

        subpixel data preview my-recipe.yaml --each -o degradations.png
    """
    from subpixel_train.cli import need_torch

    need_torch()
    import pyvips

    from subpixel_train import files
    from subpixel_train import recipe as recipes
    from subpixel_train.data import data_root, training_photographs
    from subpixel_train.data.preview import preview as draw
    from subpixel_train.networks import NETWORKS

    chosen = recipes.load(recipe, changes)
    train, _ = training_photographs(data_root(data), chosen.data)
    title = f"{chosen.name}: {len(train):,} photographs"
    sheet = draw(
        train,
        chosen.data,
        chosen.scale,
        title=title,
        enlarged=NETWORKS[chosen.network.kind].input == "enlarged",
        seed=seed,
        count=pictures,
        each=each,
    )
    target = output or Path(f"{chosen.name}-preview.png")
    files.replace(target, pyvips.Image.new_from_array(sheet, interpretation="srgb").pngsave_buffer())
    typer.echo(f"{target}: {sheet.shape[1]}×{sheet.shape[0]} pixels")
