"""`subpixel serve`: the page and the interface over HTTP."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from subpixel.errors import SettingError

if TYPE_CHECKING:
    from subpixel.web.limits import Options

_LEAST_TOKEN: Final = 16
_SIZES: Final = {"k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
_SPANS: Final = {"m": 60.0, "h": 3600.0, "d": 86_400.0}


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets other computers in: add --token.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(help="Port, 0 for any. [default: 8765, or the next that is free]", show_default=False)
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN",
            envvar="SUBPIXEL_TOKEN",
            show_envvar=False,
            help="Refuse whoever does not show it; new makes one. Also read from SUBPIXEL_TOKEN.",
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where jobs and files are. [default: the user's data folder]")
    ] = None,
    keep: Annotated[
        str, typer.Option(metavar="TIME", help="How long jobs are kept when they are done: 30m, 24h, 7d.")
    ] = "24h",
    browser: Annotated[
        bool | None,
        typer.Option("--open/--no-open", help="Open the page. [default: on a desktop, from a terminal]"),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--name", metavar="NAME", help="A name this server goes by, besides localhost; repeat for several."
        ),
    ] = None,
    upload: Annotated[str, typer.Option(metavar="SIZE", help="Largest upload.")] = "500M",
    pixels: Annotated[str, typer.Option(metavar="N", help="Largest picture, width × height.")] = "100M",
    disk: Annotated[str, typer.Option(metavar="SIZE", help="All files together.")] = "20G",
    memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Of one worker process. [default: three tenths of what there is]")
    ] = None,
    queue: Annotated[int, typer.Option(min=1, help="Jobs that may wait.")] = 1000,
    per_client: Annotated[int, typer.Option(min=1, help="Jobs of one client that may wait or run.")] = 500,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of one worker process. [default: every core]")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show nothing but errors.")] = False,
) -> None:
    """Open a page to drop pictures on, and the same as an interface over HTTP. Nothing leaves this computer.

    Examples:

        subpixel serve  # the page at http://127.0.0.1:8765, the interface described at /docs

        subpixel serve --host 0.0.0.0 --token new  # for other computers, too

        subpixel serve --keep 7d --data ~/subpixel
    """
    from subpixel.engines.processor import usable_cores
    from subpixel.web.limits import Limits, Options, worker_memory

    secret = _token(token)
    limits = Limits(
        upload_bytes=_size("upload", upload),
        pixels=_size("pixels", pixels),
        result_pixels=4 * _size("pixels", pixels),
        disk_bytes=_size("disk", disk),
        memory=worker_memory() if memory is None else _size("memory", memory),
        keep_seconds=_span(keep),
        queue=queue,
        jobs_per_client=per_client,
    )
    if limits.memory < 500_000_000:
        raise SettingError(f"the memory is {memory}", "a worker needs 500M at least: --memory 2G")
    if data is None:
        from platformdirs import user_data_path

        data = user_data_path("subpixel", appauthor=False) / "serve"
    options = Options(
        data=data.expanduser(),
        limits=limits,
        token=secret,
        names=(*(names or ()), *_own_names(host)),
        threads=threads or usable_cores(),
    )
    _run(options, host, port, browser, quiet=quiet)


def _run(options: Options, host: str, port: int | None, browser: bool | None, *, quiet: bool) -> None:
    from subpixel.web.folder import Folder, InUse
    from subpixel.web.serving import DEFAULT_PORT, open_door, serve

    def say(text: str) -> None:
        if not quiet:
            print(text, flush=True)

    def visit(address: str) -> None:
        wanted = _is_desktop() if browser is None else browser
        if wanted:
            import webbrowser

            webbrowser.open(address)

    door = open_door(host, DEFAULT_PORT if port is None else port, asked=port is not None and port != 0)
    try:
        folder = Folder(options.data, options.limits)
    except InUse as there:
        door.socket.close()
        if there.address and port is None and host == "127.0.0.1":
            say(f"subpixel is there already: {there.address}")
            visit(there.address)
            return
        raise
    link = door.address + (f"/#token={options.token}" if options.token else "/")
    if port is None and door.port != DEFAULT_PORT:
        say(f"port {DEFAULT_PORT} is in use: {door.port} is taken")
    if door.is_open and options.token is None:
        print("note: other computers can use this server: add --token new to keep them out", file=sys.stderr)

    def ready() -> None:
        say(f"page       {link}")
        say(f"interface  {door.address}/docs")
        say(f"files      {options.data}, kept for {options.limits.keep_seconds / 3600:g} h")
        say("stop with Ctrl-C; what is under work goes on at the next start")
        visit(link)

    serve(options, folder, door, ready)


def _token(given: str | None) -> str | None:
    if given is None or given == "":
        return None
    if given == "new":
        import secrets

        return secrets.token_urlsafe(24)
    if len(given) < _LEAST_TOKEN or not re.fullmatch(r"[A-Za-z0-9._~+/=-]+", given):
        raise SettingError(
            f"the token has {len(given)} characters",
            f"give {_LEAST_TOKEN} or more letters, digits and .-_~+/=, or --token new, which makes one",
        )
    return given


def _own_names(host: str) -> tuple[str, ...]:
    """Names that the server goes by because of where it listens."""
    if host in ("127.0.0.1", "::1", "localhost"):
        return ()
    import socket

    name = socket.gethostname()
    return (host, name, f"{name}.local")


def _size(option: str, text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?", text.strip().lower())
    if match is None or float(match[1]) <= 0:
        raise SettingError(f"--{option} is {text!r}", f"give a number, as --{option} 500M or 2G")
    return int(float(match[1]) * _SIZES.get(match[2], 1))


def _span(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([mhd])", text.strip().lower())
    if match is None or float(match[1]) <= 0:
        raise SettingError(f"--keep is {text!r}", "give a number and a unit, as --keep 30m, 24h or 7d")
    return float(match[1]) * _SPANS[match[2]]


def _is_desktop() -> bool:
    """True where someone sits before this computer and would see a page that opens."""
    if sys.stdout is None or not sys.stdout.isatty() or "SSH_CONNECTION" in os.environ or "CI" in os.environ:
        return False
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
