"""`subpixel convert`. Heavy imports stay inside the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from subpixel.errors import SettingError, TrainingError


def _need() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        hint = "install it with: pip install 'subpixel[train,convert]'"
        raise TrainingError(f"converting needs {error.name}", hint) from None


def convert(
    source: Annotated[
        Path, typer.Argument(help="Weights: .pth, .pt, .ckpt, .safetensors; ISR's .hdf5; or an .onnx file.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the ONNX file and its card.", show_default="NAME"),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the model.", show_default="as the file")] = None,
    title: Annotated[str | None, typer.Option(help="Its name for people.", show_default="NAME ×SCALE")] = None,
    licence: Annotated[str, typer.Option(help="Licence of the weights, as CC-BY-4.0.")] = "unknown",
    halo: Annotated[
        int | None,
        typer.Option(min=0, max=4096, help="How far tiles overlap, in pixels of the input.", show_default="measured"),
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Store weights in half precision: half the file.")] = False,
    top: Annotated[
        int | None,
        typer.Option("--range", help="What white is at an ONNX network's input, 1 or 255.", show_default="found out"),
    ] = None,
    studio: Annotated[bool, typer.Option("--studio", help="A grey network saw luma in 16–235, not in 0–255.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model that is there.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show nothing but errors.")] = False,
) -> None:
    """Turn a model that others made into one that `subpixel upscale --model` takes.

    The architecture is recognised by the names of the weights. Nothing in a file is executed, and nothing is
    written unless ONNX Runtime and OpenVINO give what PyTorch gives.

    Examples:

        subpixel convert 4x_foolhardy_Remacri.pth --licence CC-BY-NC-SA-4.0

        subpixel convert rdn-C3-D10-G64-G064-x2_PSNR_epoch134.hdf5 --output psnr-small

        subpixel convert net.onnx

        subpixel upscale photo.jpg --model ./4x_foolhardy_Remacri
    """
    _need()
    if top not in (None, 1, 255):
        raise SettingError(f"--range is {top}", "give 1 or 255")
    from subpixel_train.convert import Options
    from subpixel_train.convert import convert as run

    options = Options(
        name=name,
        title=title,
        licence=licence,
        halo=halo,
        half=half,
        value_range=None if top is None else (0.0, float(top)),
        studio=studio,
        overwrite=overwrite,
    )
    made = run(source, output, options)
    if not quiet:
        for note in made.notes:
            typer.echo(note, err=True)
    typer.echo(str(made.card))
