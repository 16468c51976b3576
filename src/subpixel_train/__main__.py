"""`python -m subpixel_train train …` and `… export …`, the same commands as `subpixel train` and `subpixel export`."""

from __future__ import annotations

import sys

import typer

from subpixel.errors import SubpixelError
from subpixel_train.cli import export, train

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command()(train)
app.command()(export)


def main() -> None:
    """Run a command; an expected error is one line and an exit code."""
    try:
        app(prog_name="python -m subpixel_train")
    except SubpixelError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
