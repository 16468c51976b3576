"""`subpixel train` and `subpixel export`. Heavy imports stay inside the commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from subpixel.errors import TrainingError


def need_torch() -> None:
    """Say how to install what training needs, where it is missing."""
    try:
        import lightning_fabric  # noqa: F401
        import onnx  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise TrainingError(f"training needs {error.name}", "install it with: pip install 'subpixel[train]'") from None


def train(
    recipe: Annotated[str, typer.Argument(help="Name of a shipped recipe, or a YAML file.")],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Replace a setting, as data.batch=16. Repeatable."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for weights, state and logs.", show_default="runs/RECIPE"),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder that the recipe's folders are relative to.", envvar="SUBPIXEL_DATA")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in the output.")] = False,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
    max_minutes: Annotated[float | None, typer.Option(help="Stop after so many minutes, ready to go on.")] = None,
    device: Annotated[Literal["cpu", "cuda", "mps", "auto"], typer.Option(help="What to train on.")] = "cpu",
    processes: Annotated[int, typer.Option(min=1, help="Processes on each machine, one per accelerator.")] = 1,
    machines: Annotated[int, typer.Option(min=1, help="Machines; start the same command on each by torchrun.")] = 1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show sizes, parameters, memory and speed after ten steps; keep nothing.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show nothing but errors.")] = False,
) -> None:
    """Train a network by a recipe.

    Examples:

        subpixel train espcn-x3 --data pictures

        subpixel train espcn-x3 --set data.batch=16 --set epochs=40 --output runs/mine

        subpixel train espcn-x3 --output runs/mine --resume

        subpixel train rdn-x2 --dry-run

        subpixel train psnr-small --device cuda --processes 8
    """
    need_torch()
    from subpixel_train import recipe as recipes
    from subpixel_train.data import data_root
    from subpixel_train.train.loop import RunSettings, Trainer
    from subpixel_train.train.state import RECIPE, WEIGHTS

    folder = output or Path("runs") / Path(recipe).stem
    kept = folder / RECIPE
    source = str(kept) if resume and kept.is_file() else recipe
    chosen = recipes.load(source, changes)
    settings = RunSettings(
        folder, data_root(data), resume, threads, max_minutes, device, processes, machines, quiet or dry_run
    )
    if dry_run:
        from subpixel_train.train.dry_run import dry_run as rehearse

        typer.echo(rehearse(chosen, settings), nl=False)
        return
    trainer = Trainer(chosen, settings)
    outcome = trainer.run()
    if not trainer.fabric.is_global_zero:
        raise typer.Exit(0 if outcome.finished else 130)  # the first of several processes speaks for all
    if not outcome.finished:
        typer.echo(
            f"stopped at step {outcome.progress.step}; go on with: subpixel train {recipe} --output {folder} --resume",
            err=True,
        )
        raise typer.Exit(130)
    if not quiet:
        best = outcome.progress
        measured = f", held-out {best.best_psnr:.2f} dB" if best.best_psnr > 0 else ""
        typer.echo(f"{folder / WEIGHTS}: epoch {best.best_epoch}{measured}")


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a training.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the ONNX file and its card.", show_default="RUN/export"),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with benchmark/, for the scores on the card, and the training's pictures.",
            envvar="SUBPIXEL_DATA",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model that is there.")] = False,
    int8: Annotated[
        bool | None,
        typer.Option(
            "--int8/--float",
            help="Round a plain network to int8 by the pictures that its training held out, or not at all.",
            show_default="int8 where it can be",
        ),
    ] = None,
) -> None:
    """Turn trained weights into an ONNX file and a model card.

    Nothing is written unless ONNX Runtime and OpenVINO give what PyTorch gives, in every arithmetic the file is for.

    Examples:

        subpixel export runs/espcn-x3 --output my-model

        subpixel upscale photo.jpg --model my-model
    """
    need_torch()
    from subpixel_train.export import export_run

    card = export_run(run, output or run / "export", data=data, overwrite=overwrite, int8=int8)
    typer.echo(str(card))
