"""`subpixel data fetch`. Heavy imports stay inside the command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from subpixel_train.fetch.entries import Entry
    from subpixel_train.fetch.show import Bars


def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="Data sets or weights; --list shows them.")] = None,
    data: Annotated[
        Path, typer.Option(help="Folder for data sets, made where it is not there.", envvar="SUBPIXEL_DATA")
    ] = Path(),
    mirror: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Take files from ADDRESS/FILE, still verified.", envvar="SUBPIXEL_MIRROR"),
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="Show what can be fetched, and what is there.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Replace what is there.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep archives after unpacking, in DATA/.fetched.")] = False,
    accept: Annotated[
        str | None,
        typer.Option(metavar="SHA256", help="Take a file with this sha256 although another digest is published."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show nothing but errors and notes.")] = False,
) -> None:
    """Fetch data sets into the data folder, and pretrained weights into the cache.

    Every file is verified. A fetch that was stopped goes on where it was; what is there is not fetched again. Weights
    lie in the folder that SUBPIXEL_CACHE names, or in the platform's cache.

    Examples:

        subpixel data fetch --list

        subpixel data fetch bsds300 t91 set5 --data pictures

        subpixel data fetch vgg19 efficientnet-b4

        subpixel data fetch div2k --mirror https://mirror.example.org/sr
    """
    from rich.console import Console

    from subpixel.errors import SettingError, TrainingError

    try:
        import pydantic  # noqa: F401
    except ImportError:
        raise TrainingError("fetching needs pydantic", "install it with: pip install 'subpixel[train]'") from None
    from subpixel_train.fetch.catalogue import find_entry
    from subpixel_train.fetch.show import Bars

    if show:
        _table(data)
        return
    if not names:
        raise SettingError("nothing was named", "as in: subpixel data fetch bsds300 set5; --list shows what there is")
    if mirror is not None and not mirror.startswith(("http://", "https://")):
        raise SettingError(f"the mirror is {mirror!r}", "give an address that begins with https:// or http://")
    entries = list(dict.fromkeys(find_entry(name) for name in names))
    if accept is not None:
        if not re.fullmatch("[0-9a-fA-F]{64}", accept):
            raise SettingError(f"--accept is {accept!r}", "give a sha256, 64 hexadecimal digits")
        if len(entries) > 1:
            raise SettingError("--accept is for one file", f"but {len(entries)} were named: fetch them one by one")
    with Bars(Console(stderr=True, highlight=False), quiet) as bars:
        _fetch_all(entries, data, bars, mirror, accept, again, keep)


def _fetch_all(
    entries: list[Entry], data: Path, bars: Bars, mirror: str | None, accept: str | None, again: bool, keep: bool
) -> None:
    from subpixel_train.fetch.entries import Pictures
    from subpixel_train.fetch.entry import STORE, fetch, places
    from subpixel_train.fetch.obtain import Source

    for entry in entries:
        bars.name = entry.name
        outcome = fetch(entry, data, Source(bars, mirror, accept), again=again)
        where = ", ".join(str(place) for place in places(entry, data))
        bars.say(f"{entry.name}: {'is there' if outcome == 'there' else 'fetched'}: {where} (licence: {entry.licence})")
    if not keep:  # only now: several entries may come from one archive
        for entry in entries:
            if isinstance(entry, Pictures):
                (data / STORE / entry.download.file).unlink(missing_ok=True)


def _table(data: Path) -> None:
    """Print the catalogue."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from subpixel_train.fetch.catalogue import CATALOGUE
    from subpixel_train.fetch.entry import is_there

    # Two lines an entry, so that a terminal of 80 columns shows all of it.
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("what, licence", overflow="fold")
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("verified by", no_wrap=True)
    table.add_column("there", no_wrap=True)
    for entry in CATALOGUE.values():
        download = entry.download
        size = f"{download.size / 1e6:,.0f} MB" if download.size else "not known"
        verified = download.digest.kind if download.digest else "first fetch"
        what = f"{entry.title}\n[dim]{escape(entry.licence)}[/dim]"
        table.add_row(entry.name, what, size, verified, "yes" if is_there(entry, data) else "")
    Console(highlight=False).print(table)
