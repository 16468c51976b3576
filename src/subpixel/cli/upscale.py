"""`subpixel upscale`: the command's words turned into calls of `Upscaler.file`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from subpixel.cli.display import Display
from subpixel.cli.start import stop_if_asked
from subpixel.errors import EngineError, ModelError, SettingError, SubpixelError


def upscale(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUTS...", help="Pictures, or folders of pictures.")],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="File or folder to write, or a pattern as {name}@{scale}x.png. "
            "[default: beside each input, as photo-x4.png]",
        ),
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option(
            "--scale", "-s", metavar="N", help="Factor, up to 16; fractions too; several as 2,4. [default: 4]"
        ),
    ] = None,
    width: Annotated[int | None, typer.Option(help="Width of the result in pixels; the height follows.")] = None,
    height: Annotated[int | None, typer.Option(help="Height of the result in pixels; the width follows.")] = None,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Fit inside this size, as 3840x2160; the shape is kept.")
    ] = None,
    quality: Annotated[
        str | None,
        typer.Option(
            metavar="fast|balanced|best",
            help="The least time; a little more for a better picture; or the best there is, eight-fold: "
            "the mean over all flips. [default: balanced]",
        ),
    ] = None,
    within: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="The best that is done in this time, for all pictures together: 10s, 500ms, 2m."
        ),
    ] = None,
    restore: Annotated[
        bool | None,
        typer.Option(
            "--restore/--clean",
            help="For pictures squeezed by JPEG and the like: remove what that left behind, or keep all as it is. "
            "[default: --auto]",
        ),
    ] = None,
    auto: Annotated[
        bool, typer.Option("--auto", help="--restore or --clean as each picture needs: read off its file.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="A model or family (see subpixel models), or a path to one of your own. [default: by --quality]",
        ),
    ] = None,
    engine: Annotated[str, typer.Option(help="What runs the networks: openvino or onnxruntime.")] = "openvino",
    precision: Annotated[
        Literal["auto", "int8", "bf16", "fp32"],
        typer.Option(
            help="Arithmetic of the networks. auto: for 8-bit pictures int8 or bf16 where model and CPU have it."
        ),
    ] = "auto",
    threads: Annotated[
        int | None, typer.Option(help="Threads to compute, decode and encode with. [default: every core]")
    ] = None,
    tile: Annotated[
        int | None,
        typer.Option(
            help="Largest side of a tile, input pixels. Less memory if smaller; the result is the same. "
            "[default: 256 to 384, more for models that see far]"
        ),
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="Format to write, as png or webp. [default: by -o's suffix, else the input's]")
    ] = None,
    file_quality: Annotated[
        int | None,
        typer.Option(metavar="1-100", help="Of results in formats with loss. [default: JPEG 95, WebP 92, AVIF 85]"),
    ] = None,
    lossless: Annotated[
        bool | None, typer.Option("--lossless/--lossy", help="For WebP and AVIF. [default: as the input]")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Show passes, tiles, memory and time, and do nothing.")] = False,
    pixel_limit: Annotated[
        int | None,
        typer.Option(help="Largest input in pixels, against files that claim absurd sizes. [default: 500000000]"),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show nothing but errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per result.")] = False,
) -> None:
    """Make pictures larger and better.

    Examples:

        subpixel upscale photo.jpg  # four times larger, as photo-x4.jpg

        subpixel upscale photo.jpg --quality best  # takes its time

        subpixel upscale photo.jpg --within 10s  # the best that ten seconds allow on this computer

        subpixel upscale photo.jpg --scale 2.7 -o large.png

        subpixel upscale photo.jpg --scale 2,4  # both, as photo-x2.jpg and photo-x4.jpg

        subpixel upscale photo.jpg --size 3840x2160  # as large as fits a screen

        subpixel upscale holiday/ -o holiday-large/  # every picture of a folder

        subpixel upscale photo.jpg --plan  # what it would do, how long it would take
    """
    from subpixel import image
    from subpixel.cli.asked import Asked, Running
    from subpixel.cli.inputs import Naming, drop_folders, find_jobs, make_folder
    from subpixel.cli.plan import show_plan
    from subpixel.plan import Target, parse_factors, parse_size

    if size is not None:
        if width is not None or height is not None:
            raise SettingError("--size was given with --width or --height", "give one of them")
        width, height = parse_size(size)
    _check([*inputs, *(word for word in (output, model) if word is not None)], file_quality, pixel_limit)
    asked = Asked(model, quality, within, restore, auto)
    if engine == "fake":  # it repeats pixels, for tests: nobody should take its result for a model's
        raise SettingError("the engine fake is for tests", "use openvino or onnxruntime")
    if threads is not None and threads > 0:
        image.set_threads(threads)
    wishes = [Target(factor, width, height) for factor in ((None,) if scale is None else parse_factors(scale))]
    naming = Naming(output, tuple(wish.label for wish in wishes), format)
    jobs = list(find_jobs([Path(name) for name in inputs], naming))
    failed: list[SubpixelError] = []
    running = Running(engine, precision, threads, tile)
    with (
        Display(len(jobs), quiet=quiet, as_json=as_json) as display,
        asked.upscaler(running, jobs, wishes, format, display.said) as upscaler,
    ):
        for job in jobs:
            if isinstance(job, tuple):
                failed.append(job[1])
                display.error(*job)
                continue
            display.begin(job.source)
            made: list[Path] = []
            try:
                if plan:
                    show_plan(upscaler, job.source, wishes, pixel_limit=pixel_limit, as_json=as_json)
                    continue
                for target in job.targets:
                    made = make_folder(target) + made
                display.results(
                    upscaler.files(
                        job.source,
                        job.targets,
                        wishes,
                        format=format,
                        file_quality=file_quality,
                        lossless=lossless,
                        overwrite=overwrite,
                        pixel_limit=pixel_limit,
                        progress=display.progress,
                    )
                )
            except (ModelError, EngineError):
                drop_folders(made)
                raise  # as wrong for every other picture
            except SubpixelError as error:
                drop_folders(made)
                stop_if_asked()
                failed.append(error)
                display.error(job.source, error)
    if failed:
        if len(jobs) > 1 and not quiet and not as_json:
            typer.echo(f"subpixel: {len(failed)} of {len(jobs)} failed", err=True)
        raise typer.Exit(failed[0].exit_code if len(jobs) == 1 else 1)


def _check(words: list[str], file_quality: int | None, pixel_limit: int | None) -> None:
    """Raise SettingError for what can be known to be wrong before any picture is opened."""
    if "" in words:  # an unset variable of a script; as a path it would mean the current folder
        raise SettingError("an empty name was given", "check the variables of your script; . is the current folder")
    if "-" in words:
        raise SettingError("- was given", "standard input and output are not used; name files (./- is a file called -)")
    if file_quality is not None and not 1 <= file_quality <= 100:
        raise SettingError(f"the file quality is {file_quality}", "give 1 to 100, as --file-quality 90")
    if pixel_limit is not None and pixel_limit < 1:
        raise SettingError(f"the pixel limit is {pixel_limit}", "give a number of pixels, as --pixel-limit 1000000000")
