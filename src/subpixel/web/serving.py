"""The server as a process: its address, its life from the first line to the last."""

from __future__ import annotations

import asyncio
import errno
import socket
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI

from subpixel.errors import OutputUnwritable, SettingError
from subpixel.web.app import create_app, guarded
from subpixel.web.connection import Connection
from subpixel.web.folder import Folder
from subpixel.web.limits import Options
from subpixel.web.store import Store

DEFAULT_PORT: Final = 8765
_NEXT: Final = 50
"""Ports after the wanted one that are tried."""
_BACKLOG: Final = 512
_GRACE: Final = 3
"""Seconds that answers on their way get when the server ends."""
_ANY: Final = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class Door:
    """A listening socket.

    Attributes:
        socket: bound and listening.
        host: address it is bound to.
        port: its port.
    """

    socket: socket.socket
    host: str
    port: int

    @property
    def address(self) -> str:
        """What to open in a browser on this computer."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{self.port}"

    @property
    def is_open(self) -> bool:
        """True where other computers can reach it."""
        return self.host in _ANY or not (self.host == "localhost" or self.host.startswith("127.") or self.host == "::1")


def open_door(host: str, port: int, *, asked: bool) -> Door:
    """Listen.

    Args:
        host: address or name of this computer.
        port: wanted port, 0 for any.
        asked: somebody wants this very port; otherwise the next free one will do.

    Raises:
        SettingError: no such address, no permission, or a port that is asked for and in use.
    """
    if not 0 <= port <= 65_535:
        raise SettingError(f"the port is {port}", "give 0 to 65535, as --port 8765; 0 takes any that is free")
    for candidate in (port, *range(port + 1, min(port + 1 + _NEXT, 65_536))):
        try:
            made = _bound(host, candidate)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                continue
            raise _refused(host, port, error) from error
        if asked and candidate != port:
            made.socket.close()
            raise SettingError(f"port {port} is in use", f"{candidate} is free, as --port {candidate}")
        return made
    raise SettingError(f"ports {port} to {port + _NEXT} are in use", "give another one, as --port 9000, or --port 0")


def _refused(host: str, port: int, error: OSError) -> SettingError:
    if isinstance(error, PermissionError):
        return SettingError(f"port {port} needs more rights", "give one above 1023, as --port 8765")
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return SettingError(f"this computer has no address {host!r}", "give one it has, as --host 127.0.0.1")
    return SettingError(f"{host}:{port} cannot be listened on", error.strerror or str(error))


def _bound(host: str, port: int) -> Door:
    family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # on Windows the other option would share the port
            made.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(where)
        made.listen(_BACKLOG)
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return Door(made, host, int(made.getsockname()[1]))


class _Server(uvicorn.Server):
    """Ends the streams of events when it is told to stop: they would hold it up otherwise."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._app, self._ready = app, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As usual, then say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Asked to stop."""
        super().handle_exit(sig, frame)
        desk = getattr(self._app.state, "desk", None)
        if desk is not None:
            asyncio.get_running_loop().call_soon_threadsafe(desk.events.close)


def make_server(options: Options, folder: Folder, door: Door, ready: Callable[[], None]) -> uvicorn.Server:
    """The server, not started; arguments as `serve`."""
    app = create_app(options, folder)
    folder.say(door.address)
    config = uvicorn.Config(
        guarded(app, options),
        lifespan="on",
        log_level="warning",
        access_log=False,
        proxy_headers=False,  # who asks is who connects: limits hold for that
        http=Connection,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
        h11_max_incomplete_event_size=32_768,
    )
    return _Server(config, app, ready)


def serve(options: Options, folder: Folder, door: Door, ready: Callable[[], None]) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        options: how the server runs.
        folder: its data folder.
        door: where it listens.
        ready: called when it answers.

    Raises:
        OutputUnwritable: the jobs cannot be read or kept.
    """
    try:
        Store(folder.database).close()
    except sqlite3.Error as error:
        hint = "move that file away, or give another folder, as --data other"
        raise OutputUnwritable(f"the jobs in {folder.database} cannot be opened: {error}", hint) from error
    make_server(options, folder, door, ready).run([door.socket])
