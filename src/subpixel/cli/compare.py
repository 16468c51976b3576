"""`subpixel compare`: one sheet that shows the same crop by every method."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def compare(
    picture: Annotated[Path, typer.Argument(metavar="PICTURE", help="The picture to enlarge.")],
    scale: Annotated[float, typer.Option("--scale", "-s", metavar="N", help="Factor, above 1 and up to 16.")] = 4.0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The sheet. [default: PICTURE-compare.png here]")
    ] = None,
    crop: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,W,H", help="What to show, as x,y,width,height in PICTURE. [default: where most detail is]"
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", "-m", metavar="NAME", help="Model, family or path; repeat for several. [default: all that fit]"
        ),
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(help="The large picture that PICTURE was made from; adds PSNR.")
    ] = None,
    added: Annotated[
        bool, typer.Option("--added", help="Beside each model, the map of what it added to bicubic, four times.")
    ] = False,
    precision: Annotated[
        Literal["auto", "int8", "bf16", "fp32"], typer.Option(help="Arithmetic of the models.")
    ] = "auto",
    threads: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Threads to compute with. [default: every core]")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing sheet.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Draw one sheet: the same crop by nearest, bicubic and every model that fits, with the time each took.

    Examples:

        subpixel compare photo.jpg                      photo-compare.png

        subpixel compare photo.jpg --scale 3 --crop 120,80,100,80 -o sheet.png

        subpixel compare small.png -s 2 --reference original.png -m espcn

        subpixel compare photo.jpg -m crisp --added     what the model added, and whether it stayed faithful
    """
    from rich.console import Console

    from subpixel import image
    from subpixel.measure.comparison import compare as run
    from subpixel.measure.comparison import parse_box
    from subpixel.measure.reading import read_pixels
    from subpixel.measure.sheet import draw_sheet
    from subpixel.types import Metadata, Picture

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
            maps=added,
            precision=precision,
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
        if added:
            typer.echo("reduced again, each result differs from the picture by")
            width = max(len(shown.name) for shown in comparison.shown if shown.returned is not None)
            for shown in comparison.shown:
                if shown.returned is not None:
                    typer.echo(f"  {shown.name:<{width}}  {shown.returned}")
