"""The command `subpixel`: a table of commands, each loaded only when it is called or when help is shown."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Annotated, Any, Final

import typer
import typer.core
import typer.main

from subpixel import __version__
from subpixel.cli.start import stop_if_asked
from subpixel.errors import SettingError, SubpixelError

_OWN: Final = {
    "upscale": "subpixel.cli.upscale:upscale",
    "models": "subpixel.cli.models:models",
    "compare": "subpixel.cli.compare:compare",
    "evaluate": "subpixel.cli.evaluate:evaluate",
    "serve": "subpixel.cli.serve:serve",
}
"""Command → "module:function". Other packages add commands under the entry point `subpixel.commands`: a function, or
a `typer.Typer` with a callback for a command that has commands of its own."""

_INTERRUPTED: Final = 130  # what shells report for a program ended by Ctrl-C


class _Command(typer.core.TyperCommand):
    """A command whose ``--cluster`` may stand without an address."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As usual, with the address that is meant where none stands."""
        words = list(args)
        for index, word in enumerate(args):
            if word == "--cluster" and (index + 1 == len(args) or not _ADDRESS.fullmatch(args[index + 1])):
                words[index] = "--cluster=local"
        return super().parse_args(ctx, words)


_ADDRESS: Final = re.compile(r"local|auto|ray://\S+|[^\s/]+:\d+")


class _Commands(typer.core.TyperGroup):
    """The commands of the table, built when asked for."""

    def _table(self) -> dict[str, str]:
        from importlib.metadata import entry_points  # 20 ms that the commands of the table do without

        more = {entry.name: entry.value for entry in entry_points(group="subpixel.commands")}
        return {**_OWN, **{name: where for name, where in sorted(more.items()) if name not in _OWN}}

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of the table."""
        return list(self._table())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, None where there is none."""
        where = _OWN.get(cmd_name) or self._table().get(cmd_name)
        if where is None:
            return None
        if cmd_name not in self.commands:
            module, _, attribute = where.partition(":")
            made = getattr(import_module(module), attribute)
            if isinstance(made, typer.Typer):
                self.commands[cmd_name] = typer.main.get_group(made)
                self.commands[cmd_name].name = cmd_name
            else:
                app = typer.Typer(add_completion=False, rich_markup_mode="markdown")
                app.command(cmd_name, cls=_Command)(made)
                self.commands[cmd_name] = typer.main.get_command(app)
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As usual, with the nearest name offered for an unknown one."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in _OWN and name not in self._table():
            near = get_close_matches(name, self._table(), 1, 0.5)
            hint = f"did you mean subpixel {near[0]}?" if near else "subpixel --help lists the commands"
            raise SettingError(f"there is no command {name!r}", hint)
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_Commands,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"subpixel {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Makes small, old or squeezed pictures larger and better: on this computer's CPU, offline.

    Start with: subpixel upscale photo.jpg
    """


# Typer may carry its own copy of click; BadParameter's base is UsageError in both.
_UsageError: Final[type[Exception]] = typer.BadParameter.__bases__[0]


def _system_error(error: OSError | MemoryError) -> str:
    if isinstance(error, MemoryError):
        return "memory is full: use a smaller factor, a smaller --tile, or close other programs"
    return ": ".join(str(part) for part in (error.filename, error.strerror or error) if part)


def _tell(error: Exception, words: Sequence[str]) -> int:
    """Say an error of a command in one line and return its exit code; what is no error for people is raised again."""
    if isinstance(error, SubpixelError):
        print(f"subpixel: {error}", file=sys.stderr)
        return error.exit_code
    if isinstance(error, (OSError, MemoryError)):
        print(f"subpixel: {_system_error(error)}", file=sys.stderr)
        return SubpixelError.exit_code
    if isinstance(error, _UsageError):
        context = getattr(error, "ctx", None)
        known = words and words[0] in _OWN  # an option without its value comes without a context
        where = context.command_path if context is not None else f"subpixel {words[0]}" if known else "subpixel"
        message = str(getattr(error, "format_message", error.__str__)()).rstrip(".")
        if message:  # none where a command without words has just shown its help
            print(f"subpixel: {message}: see {where} --help", file=sys.stderr)
        return SettingError.exit_code
    raise error


def invoke(words: Sequence[str]) -> int:
    """Run one command, say errors in one line on standard error, and return the exit code.

    Codes: 0 done, 1 some of several pictures failed, 2 a wrong option, 3 a picture that cannot be read, 4 a result that
    cannot be written, 5 a model, 6 an engine, 7 training, 8 a cluster, 130 stopped by Ctrl-C or SIGTERM.
    """
    command = typer.main.get_command(app)
    try:
        code = command.main(list(words) or ["--help"], prog_name="subpixel", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except Exception as error:
        stop_if_asked()
        code = _tell(error, words)
    if code == _INTERRUPTED:
        print("subpixel: stopped", file=sys.stderr)
    return code if isinstance(code, int) else 0
