"""`subpixel compare`: one sheet that shows the same crop by every method."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    picture: Annotated[Path, typer.Argument(help="The picture to enlarge.")],
    scale: Annotated[float, typer.Option("--scale", "-x", help="Factor, above 1 and up to 16.")] = 4.0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The sheet. [default: PICTURE-compare.png here]")
    ] = None,
    crop: Annotated[
        str | None,
        typer.Option(help="What to show, as x,y,width,height in PICTURE. [default: where most detail is]"),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="Model, family or path; repeat for several. [default: all that fit]"),
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(help="The large picture that PICTURE was made from; adds PSNR.")
    ] = None,
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, help="Tiles computed side by side. [default: every core]")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing sheet.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Draw one sheet: the same crop by nearest, bicubic and every model that fits, with the time each took.

    Examples:

      subpixel compare photo.jpg

      subpixel compare photo.jpg --scale 3 --crop 120,80,100,80 -o sheet.png

      subpixel compare small.png --scale 2 --reference original.png -m espcn -m srcnn
    """
    from rich.console import Console

    from subpixel import image
    from subpixel.errors import SettingError
    from subpixel.measure.comparison import compare as run
    from subpixel.measure.comparison import parse_box
    from subpixel.measure.reading import read_pixels
    from subpixel.measure.sheet import draw_sheet
    from subpixel.types import Metadata, Picture

    if precision not in ("fp32", "bf16", "auto"):
        raise SettingError(f"precision is {precision}", "choose auto, fp32 or bf16")
    box = None if crop is None else parse_box(crop)
    target = output or Path(f"{picture.stem}-compare.png")
    image.check_target(target, overwrite=overwrite)
    opened = image.read(picture)
    console = Console(stderr=True)
    with console.status("") as status:
        comparison = run(
            opened,
            scale,
            crop=box,
            models=tuple(model or ()),
            reference=None if reference is None else read_pixels(reference),
            precision="fp32" if precision == "fp32" else "bf16" if precision == "bf16" else "auto",
            threads=threads,
            notify=status.update,
        )
        sheet = draw_sheet(comparison, title=picture.name)
        kept = Metadata(icc=opened.metadata.icc)
        notes = image.write(Picture(sheet[None], kept), target, overwrite=overwrite)
    if not quiet:
        for note in notes:
            typer.echo(f"{target}: {note}")
        typer.echo(
            f"{target}  {sheet.shape[1]}×{sheet.shape[0]}, {len(comparison.shown)} panels, crop {comparison.crop}"
        )
