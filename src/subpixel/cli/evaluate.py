"""`subpixel evaluate`: PSNR and SSIM of models on benchmark sets or on folders of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="Model, family or path to a model; repeat for several. [default: all]"),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", help="Benchmark set, as Set5; repeat for several. [default: all in the folder]"),
    ] = None,
    scale: Annotated[
        list[int] | None,
        typer.Option("--scale", "-x", min=2, max=16, help="Factor; repeat for several. [default: 2, 3 and 4]"),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder that holds benchmark/Set5/HR/x2, …", envvar="SUBPIXEL_DATA", show_envvar=True),
    ] = None,
    hr: Annotated[
        Path | None, typer.Option(help="Folder of references of your own, in place of benchmark sets.")
    ] = None,
    lr: Annotated[
        Path | None,
        typer.Option(help="Their small pictures, by the same names. [default: made by antialiased bicubic]"),
    ] = None,
    border: Annotated[
        int | None, typer.Option(min=0, help="Pixels cut from every side before scoring. [default: the factor]")
    ] = None,
    pictures: Annotated[bool, typer.Option("--pictures", "-p", help="A row for every picture too.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON array in place of the table.")] = False,
    engine: Annotated[str | None, typer.Option(help="Engine to run models with. [default: openvino]")] = None,
    precision: Annotated[
        str, typer.Option(help="fp32 (as in every published table), bf16, or auto as `upscale` chooses.")
    ] = "fp32",
    threads: Annotated[
        int | None, typer.Option(min=1, help="Tiles computed side by side. [default: every core]")
    ] = None,
) -> None:
    """Measure models: PSNR and SSIM on Y, beside bicubic.

    Examples:

      subpixel evaluate --data ~/pictures --set Set5 --scale 2

      subpixel evaluate -m espcn -m srcnn -s Set5 -s Set14 -x 3

      subpixel evaluate --hr originals/ --lr small/ --scale 4 --pictures

      subpixel evaluate --hr originals/ --scale 2 --json
    """
    from rich.console import Console

    from subpixel.errors import SettingError
    from subpixel.measure.runs import Request, measure
    from subpixel.measure.tables import picture_table, records, score_table

    if lr is not None and hr is None:
        raise SettingError("--lr is given without --hr", "give the folder of references too, as --hr originals/")
    if hr is not None and sets:
        raise SettingError("both --hr and --set are given", "choose folders of your own or benchmark sets")
    if precision not in ("fp32", "bf16", "auto"):
        raise SettingError(f"precision is {precision}", "choose fp32, bf16 or auto")
    request = Request(
        models=tuple(model or ()),
        sets=tuple(sets or ()),
        scales=tuple(dict.fromkeys(scale or ())),
        data=data,
        reference=hr,
        small=lr,
        border=border,
        engine=engine,
        precision="fp32" if precision == "fp32" else "bf16" if precision == "bf16" else "auto",
        threads=threads,
    )
    scores = measure(request, console=Console(stderr=True))
    if json:
        import json as encoder

        typer.echo(encoder.dumps(list(records(scores, pictures=pictures)), indent=2))
        return
    console = Console()
    console.print(score_table(scores))
    if pictures:
        console.print(picture_table(scores))
