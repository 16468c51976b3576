"""`subpixel data pack`. Heavy imports stay inside the command."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from subpixel.errors import OutputExists, SettingError

if TYPE_CHECKING:
    from subpixel_train.data import Photograph


def pack(
    folders: Annotated[list[Path], typer.Argument(help="Folders of photographs; they keep this order.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The pack, a file that ends in .pack.")],
    scales: Annotated[
        list[str] | None,
        typer.Option(
            "--scales",
            metavar="R[,R]",
            help="Keep the small pictures for this factor too, as 4, or 2,4 for two outputs. Repeatable.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a pack that is there.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show nothing but errors and warnings.")] = False,
) -> None:
    """Decode photographs once, into one file that trainings map into memory.

    Recipes may name it wherever they name a folder: the training is the same, bit for bit.

    Examples:

        subpixel data pack photos -o photos.pack

        subpixel data pack photos -o photos.pack --scales 2 --scales 2,4

        subpixel train espcn-x3 --set data.folders=[photos.pack]
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from subpixel_train.cli import need_torch

    need_torch()
    from subpixel_train.data.pack import SUFFIX, write_pack
    from subpixel_train.data.photographs import several, warn
    from subpixel_train.data.sources import photographs_of

    if output.suffix != SUFFIX:
        raise SettingError(f"{output} does not end in {SUFFIX}", f"give --output {output.name}{SUFFIX}")
    wanted = [_factors(text) for text in scales or []]
    if output.exists() and not overwrite:
        raise OutputExists(f"{output} exists", "replace it with --overwrite, or give another --output")
    photographs = [photograph for folder in folders for photograph in photographs_of(folder)]
    console = Console(stderr=True, quiet=quiet)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        console=console,
        disable=quiet or not console.is_terminal,
        transient=True,
    )

    def shown(items: Iterable[Photograph]) -> Iterable[Photograph]:
        return bar.track(items, total=len(photographs), description=output.name)

    with bar:
        packed = write_pack(photographs, output, scales=wanted, progress=shown)
    if packed.broken:
        warn(f"{len(packed.broken)} of {len(photographs)} pictures are left out: {several(packed.broken)}")
    if not quiet:
        typer.echo(f"{output}: {packed.pictures} pictures, {packed.size / 2**20:,.1f} MiB, {packed.sha256[:16]}")


def _factors(text: str) -> tuple[int, ...]:
    """Factors from ``"2,4"``: rising, each dividing the last, since targets are reductions of the photograph."""
    try:
        factors = tuple(int(part) for part in text.split(","))
    except ValueError:
        factors = ()
    if (
        not factors
        or min(factors) < 2
        or list(factors) != sorted(set(factors))
        or any(factors[-1] % f for f in factors)
    ):
        raise SettingError(f"--scales {text}", "give the factors of one network, rising, as 4 or 2,4")
    return factors
