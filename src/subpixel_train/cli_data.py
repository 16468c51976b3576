"""`subpixel data`: getting, seeing and packing pictures to train with. Heavy imports stay inside the commands."""

from __future__ import annotations

import typer

from subpixel_train.cli_pack import pack
from subpixel_train.cli_preview import preview
from subpixel_train.fetch.command import fetch

data = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode="markdown")


@data.callback()
def _data() -> None:
    """Get, look at and pack the pictures that training needs.

    Examples:

        subpixel data fetch bsds300 t91 set5 --data pictures

        subpixel data preview espcn-x3 --data pictures

        subpixel data pack pictures/train/t91 -o t91.pack
    """


data.command()(fetch)
data.command()(pack)
data.command()(preview)
