"""`subpixel evaluate`: PSNR and SSIM of models on benchmark sets or on folders of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def evaluate(
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", "-m", metavar="NAME", help="Model, family or path to a model; repeat for several. [default: all]"
        ),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME", help="Benchmark set, as Set5; repeat for several. [default: all in the folder]"
        ),
    ] = None,
    scale: Annotated[
        list[int] | None,
        typer.Option(
            "--scale", "-s", metavar="N", min=2, max=16, help="Factor; repeat for several. [default: 2, 3 and 4]"
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder that holds benchmark/Set5/HR/x2, …", envvar="SUBPIXEL_DATA", show_envvar=True
        ),
    ] = None,
    hr: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder of references of your own, in place of benchmark sets."),
    ] = None,
    lr: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Their small pictures, by the same names. [default: made by antialiased bicubic]"
        ),
    ] = None,
    border: Annotated[
        int | None,
        typer.Option(metavar="PIXELS", min=0, help="Pixels cut from every side before scoring. [default: the factor]"),
    ] = None,
    pictures: Annotated[bool, typer.Option("--pictures", "-p", help="A row for every picture too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array in place of the table.")] = False,
    engine: Annotated[
        str, typer.Option(metavar="NAME", help="What runs the networks: openvino or onnxruntime.")
    ] = "openvino",
    precision: Annotated[
        Literal["fp32", "bf16", "int8", "auto"],
        typer.Option(help="fp32 as in every published table; auto as `upscale` chooses."),
    ] = "fp32",
    threads: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Threads to compute with. [default: every core]")
    ] = None,
    eightfold: Annotated[
        bool,
        typer.Option("--eight-fold", help="The mean over all flips and transpositions, as --quality best takes it."),
    ] = False,
) -> None:
    """Measure models: PSNR and SSIM on Y, beside bicubic.

    Examples:

        subpixel evaluate --data ~/pictures --set Set5 --scale 2

        subpixel evaluate -m espcn -m srcnn --set Set5 --set Set14 -s 3

        subpixel evaluate --hr originals/ --lr small/ -s 4 --pictures

        subpixel evaluate --hr originals/ -s 2 --json
    """
    from rich.console import Console

    from subpixel.errors import SettingError
    from subpixel.measure.runs import Request, measure
    from subpixel.measure.tables import picture_table, records, score_table

    if lr is not None and hr is None:
        raise SettingError("--lr is given without --hr", "give the folder of references too, as --hr originals/")
    if hr is not None and sets:
        raise SettingError("both --hr and --set are given", "choose folders of your own or benchmark sets")
    request = Request(
        models=tuple(model or ()),
        sets=tuple(sets or ()),
        scales=tuple(dict.fromkeys(scale or ())),
        data=data,
        reference=hr,
        small=lr,
        border=border,
        engine=engine,
        precision=precision,
        threads=threads,
        eightfold=eightfold,
    )
    scores = measure(request, console=Console(stderr=True))
    if as_json:
        import json

        typer.echo(json.dumps(list(records(scores, pictures=pictures)), indent=2))
        return
    console = Console()
    console.print(score_table(scores))
    if pictures:
        console.print(picture_table(scores))
