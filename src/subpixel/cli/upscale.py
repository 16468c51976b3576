"""`subpixel upscale`: the command's words turned into calls of `Upscaler.file`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from subpixel.errors import SettingError, SubpixelError

_FILMS: Final = "For videos"
"""Heading of the options that pictures have no use for."""
_FOLDERS: Final = "For folders"
"""Heading of the options that single files have no use for."""
_MANY: Final = "For many computers"
"""Heading of the options for clusters."""


def upscale(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUTS...", help="Pictures, folders of pictures, or videos.")],
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
        bool,
        typer.Option(
            "--restore", help="For what was squeezed by JPEG, a video codec and the like: remove what that left behind."
        ),
    ] = False,
    clean: Annotated[bool, typer.Option("--clean", help="Keep all as it is.")] = False,
    auto: Annotated[
        bool,
        typer.Option(
            "--auto",
            help="--restore or --clean as each picture or video needs, told by its file and its pixels. The default.",
        ),
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
            "[default: up to 1024 across and 256 down, as memory allows; more for models that see far]"
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
    pyramid: Annotated[
        bool | None,
        typer.Option(
            "--pyramid/--no-pyramid",
            help="TIFF in tiles with smaller copies inside, as viewers of large pictures want it. "
            "[default: over 100 megapixels]",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")] = False,
    include: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Only pictures that fit, as '*.jpg'; can be given several times.",
            rich_help_panel=_FOLDERS,
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Leave out pictures and folders that fit, as thumbs or 'raw/*.tif'; the same.",
            rich_help_panel=_FOLDERS,
        ),
    ] = None,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Go on with new pictures as they arrive, until Ctrl-C.", rich_help_panel=_FOLDERS),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write what was made and what failed: a table in .txt, else JSON. "
            "[default: where something failed, in .subpixel among the results]",
            rich_help_panel=_FOLDERS,
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="[ADDRESS]",
            help="Have a Ray cluster do it: ray://HOST:10001, HOST:6379, or auto for the one that this computer is in; "
            "alone: one of this computer, to try. Inputs and -o may be URLs, as s3://bucket/photos.",
            rich_help_panel=_MANY,
        ),
    ] = None,
    codec: Annotated[
        str | None,
        typer.Option(
            help="h264, hevc, av1, vp9, prores or ffv1 (lossless). [default: h264, in .webm vp9]",
            rich_help_panel=_FILMS,
        ),
    ] = None,
    crf: Annotated[
        float | None,
        typer.Option(
            help="Constant quality of the codec, smaller is better and larger in bytes. "
            "[default: h264 18, hevc 20, av1 25, vp9 24]",
            rich_help_panel=_FILMS,
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="How hard the encoder tries, in its own words, as veryfast or slow. [default: by --quality]",
            rich_help_panel=_FILMS,
        ),
    ] = None,
    pixel_format: Annotated[
        str | None,
        typer.Option(
            help="Samples of the result, as yuv420p, which every player knows, or yuv420p10le. [default: the input's]",
            rich_help_panel=_FILMS,
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="Begin there: 90, 1:30 or 0:01:30.5.", rich_help_panel=_FILMS),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="End there, the same.", rich_help_panel=_FILMS)
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with work that was stopped or killed.", rich_help_panel=_FILMS),
    ] = False,
    deinterlace: Annotated[
        str | None,
        typer.Option(
            metavar="auto|on|off",
            help="Make one frame of two fields: where the video is interlaced, always, or never. [default: auto]",
            rich_help_panel=_FILMS,
        ),
    ] = None,
    drop: Annotated[
        str | None,
        typer.Option(
            metavar="N,…",
            help="Streams that are not copied, by their numbers. [default: everything is copied]",
            rich_help_panel=_FILMS,
        ),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="Frames per second of numbered pictures (frame_%05d.png). [default: 25]",
            rich_help_panel=_FILMS,
        ),
    ] = None,
    preview: Annotated[
        bool,
        typer.Option(
            "--preview",
            help="A few seconds only, bicubic beside the result, and how long the whole would take.",
            rich_help_panel=_FILMS,
        ),
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Show passes, tiles, memory and time, and do nothing.")] = False,
    pixel_limit: Annotated[
        int | None,
        typer.Option(help="Largest input in pixels, against files that claim absurd sizes. [default: 500000000]"),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show nothing but errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per result.")] = False,
) -> None:
    """Make pictures and videos larger and better.

    Examples:

        subpixel upscale photo.jpg  # four times larger, as photo-x4.jpg

        subpixel upscale photo.jpg --quality best  # takes its time

        subpixel upscale photo.jpg --within 10s  # the best that ten seconds allow on this computer

        subpixel upscale photo.jpg --scale 2.7 -o large.png

        subpixel upscale photo.jpg --scale 2,4  # both, as photo-x2.jpg and photo-x4.jpg

        subpixel upscale photo.jpg --size 3840x2160  # as large as fits a screen

        subpixel upscale holiday/ -o holiday-large/  # every picture of a folder; again: what is new

        subpixel upscale inbox/ -o outbox/ --watch  # and what arrives later

        subpixel upscale panorama.tif -s 2 -o wall.tif  # larger than memory: a TIFF in tiles, with smaller copies

        subpixel upscale s3://photos/in -o s3://photos/large --cluster ray://head:10001  # on many computers

        subpixel upscale photo.jpg --plan  # what it would do, how long it would take

        subpixel upscale clip.mp4 --scale 3  # a video, with its sound and everything else in the file

        subpixel upscale clip.mp4 --scale 3 --preview  # a few seconds of it, and how long the whole would take

        subpixel upscale clip.mp4 --scale 3 --resume  # goes on where it was stopped

        subpixel upscale frame_%05d.png --rate 24 -o film.mp4  # numbered pictures
    """
    from subpixel import image
    from subpixel.batch.naming import Naming, PictureCoding
    from subpixel.cli.asked import Asked, Running
    from subpixel.cli.filmwords import FilmWords, is_film
    from subpixel.cli.folderwords import FolderWords
    from subpixel.cli.inputs import is_folder
    from subpixel.cli.pictures import PictureWork
    from subpixel.cli.video import FilmJobs
    from subpixel.plan import Target, parse_factors, parse_size

    if size is not None:
        if width is not None or height is not None:
            raise SettingError("--size was given with --width or --height", "give one of them")
        width, height = parse_size(size)
    _check([*inputs, *(word for word in (output, model) if word is not None)], file_quality, pixel_limit)
    asked = Asked(model, quality, within, restore, clean, auto)
    if engine == "fake":  # it repeats pixels, for tests: nobody should take its result for a model's
        raise SettingError("the engine fake is for tests", "use openvino or onnxruntime")
    if threads is not None and threads > 0:
        image.set_threads(threads)
    wishes = [Target(factor, width, height) for factor in ((None,) if scale is None else parse_factors(scale))]
    running = Running(engine, precision, threads, tile)
    words = FilmWords(codec, crf, preset, pixel_format, start, end, deinterlace, drop, resume, rate, preview)
    films = [name for name in inputs if is_film(name, output)]
    pictures = [Path(name) for name in inputs if name not in films]
    if films and pictures and output is not None and "{" not in output:
        output = f"{output}/"  # a folder, as for several inputs of one kind
    asked.check(films=bool(films))
    among = any(map(is_folder, pictures))
    words.check(films, within=within, format=format, file_quality=file_quality, lossless=lossless, folders=among)
    coding = PictureCoding(format, file_quality, lossless, overwrite, pixel_limit, pyramid)
    naming = Naming(output, tuple(wish.label for wish in wishes), format)
    folders = FolderWords(include or (), exclude or (), watch, report)
    failed: list[SubpixelError] = []
    if cluster is not None or any("://" in name for name in (*inputs, output or "")):
        from subpixel.cli.cluster import ClusterWork

        many_computers = ClusterWork(cluster, inputs, naming, wishes, coding, folders)
        count, failed = many_computers.run(asked, running, films=bool(films), plan=plan, quiet=quiet, as_json=as_json)
        _end(count, failed, quiet or as_json)
        return
    if films:
        with asked.upscaler(running, lambda _: (), wishes, coding, lambda within, fit: None) as upscaler:
            chosen = upscaler.choose().chosen
            if chosen.lacking and not quiet and not as_json:
                typer.echo(f"note: {chosen.reason}")
            failed += FilmJobs(films, output, wishes, words, quality, overwrite, plan).run(
                upscaler, quiet=quiet, as_json=as_json
            )
    work = PictureWork(pictures, naming, wishes, coding, folders)
    many, wrong = work.run(asked, running, plan=plan, quiet=quiet, as_json=as_json)
    count, failed = len(films) + many, failed + wrong
    _end(count, failed, quiet or as_json)


def _end(count: int, failed: list[SubpixelError], quiet: bool) -> None:
    """End with the code for what went wrong, if anything did."""
    if failed:
        if count > 1 and not quiet:
            typer.echo(f"subpixel: {len(failed)} of {count} failed", err=True)
        raise typer.Exit(failed[0].exit_code if count == 1 else 1)


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
