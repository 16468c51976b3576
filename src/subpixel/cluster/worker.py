"""What a node does: fetch a picture, make it larger, put the results where they are wanted."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from threading import Lock
from typing import Any, Final

from subpixel import __version__, zoo
from subpixel.batch.journal import digest
from subpixel.batch.room import Room, need_of
from subpixel.cluster.orders import Done, Making, Needs, Node, Order, Outcome, Wrong
from subpixel.cluster.places import Place, Stamp, make_folder, reached, reading, writing
from subpixel.engines import choose_precision
from subpixel.errors import ClusterError, PictureUnreadable, SubpixelError
from subpixel.image import DEFAULT_PIXEL_LIMIT
from subpixel.image.header import read_header
from subpixel.upscaler import Upscaler

_TELL_S: Final = 0.5
_PROCESS: Final = 350_000_000  # a process with an engine and networks in it, before any picture

_upscalers: dict[Making, Upscaler] = {}
_starting = Lock()


def upscaler_for(making: Making) -> Upscaler:
    """The upscaler of this process for that; its networks stay loaded from picture to picture."""
    with _starting:
        if making not in _upscalers:
            _upscalers[making] = making.upscaler(_unpacked(making) if making.files else None)
        return _upscalers[making]


def _unpacked(making: Making) -> Path:
    """The folder of a model that came with the order; processes of one computer share it."""
    made = hashlib.sha256()
    for name, data in making.files:
        made.update(f"{name}\0{len(data)}\0".encode() + data)
    owner = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"subpixel-{owner}-{made.hexdigest()[:16]}"
    if not folder.exists():
        part = Path(tempfile.mkdtemp(prefix="subpixel-model-"))
        for name, data in making.files:
            (part / name).write_bytes(data)
        try:
            part.rename(folder)
        except OSError:  # another process was quicker
            shutil.rmtree(part, ignore_errors=True)
    return folder


def shipped(model: str | None) -> tuple[tuple[str, bytes], ...]:
    """The files of a model that is not in the package; empty for one that is.

    Raises:
        ModelError: it cannot be used.
    """
    if model is None or model in zoo.model_names() or model in zoo.families():
        return ()
    card = zoo.card(model)
    zoo.load_model(model)  # verified before it travels
    path = Path(model)
    folder = path.parent if path.suffix in (".onnx", ".toml") else path
    own = path if path.suffix == ".toml" else folder / "card.toml"
    return (("card.toml", own.read_bytes()), (card.weights, (folder / card.weights).read_bytes()))


def look(name: str, urls: tuple[str, ...], making: Making) -> Node:
    """What this node is, and whether it can read those places."""
    wrong = None
    try:
        for url in urls:
            fs, path = reached(url)
            with reading(url):
                fs.exists(path)
    except SubpixelError as error:
        wrong = Wrong(type(error).__name__, f"{error.what} (from the node {name})", error.hint, name)
    known = hashlib.sha256()
    for model in zoo.model_names():
        known.update(f"{model} {zoo.card(model).sha256}\n".encode())
    kinds = [
        choose_precision(making.precision, engine=making.engine, bits=bits, int8=int8)
        for bits, int8 in ((8, True), (8, False), (16, False))
    ]
    return Node(name, __version__, known.hexdigest()[:16], "/".join(kinds), wrong)


def make(
    order: Order,
    data: bytes | None,
    making: Making,
    *,
    node: str = "",
    tell: Callable[[float], None] | None = None,
    room: Room | None = None,
    sending: Callable[[Upscaler], Upscaler] | None = None,
) -> Outcome:
    """Make one picture.

    Args:
        order: the picture.
        data: its bytes, where they came with the order.
        making: how.
        node: name of this node.
        tell: told now and then what part is done, 0–1.
        room: memory that several pictures in this process share.
        sending: turns the upscaler into one whose tiles are computed on other nodes.
    """
    node = node or socket.gethostname()
    with tempfile.TemporaryDirectory(prefix="subpixel-") as name:
        folder = Path(name)
        try:
            if order.version != __version__:
                raise ClusterError(
                    f"{node} has subpixel {__version__}, and {order.version} asks it",
                    f"install the same everywhere, as pip install 'subpixel[cluster]=={order.version}'",
                )
            return _made(order, data, making, folder, node, tell, room, sending)
        except SubpixelError as error:
            return _wrong(error, order, folder, node)
        except MemoryError:
            return Needs(2 * (order.memory or 0), spread=False)
        except Exception as error:
            said = f"{type(error).__name__} {error}"
            hint = f"{said}: this is a mistake of subpixel, please report it"
            return Wrong("SubpixelError", f"{order.shown} cannot be made larger", hint, node)


def _made(
    order: Order,
    data: bytes | None,
    making: Making,
    folder: Path,
    node: str,
    tell: Callable[[float], None] | None,
    room: Room | None,
    sending: Callable[[Upscaler], Upscaler] | None,
) -> Outcome:
    source = folder / "in" / order.name
    source.parent.mkdir()
    stamp = None
    if data is None:
        assert order.fetch is not None
        stamp = _fetch(order.fetch, source)
    else:
        source.write_bytes(data)
    upscaler = upscaler_for(making)
    need = _PROCESS + need_of(source, upscaler, order.targets, order.coding.pixel_limit)
    if order.most is not None and not order.spread and _pixels(source, order) > order.most:
        return Needs(need, spread=True)
    if order.memory is not None and need > order.memory:
        return Needs(need, spread=False)
    if sending is not None and order.spread:
        upscaler = sending(upscaler)
    targets = []
    for index, file in enumerate(order.files):
        (folder / f"out{index}").mkdir()
        targets.append(folder / f"out{index}" / file)
    hashed, told = digest(source), time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal told
        if tell is not None and time.monotonic() - told > _TELL_S:
            told = time.monotonic()
            tell(done / total)

    coding = order.coding
    with room.take(need, lambda: False) if room else nullcontext():
        results = upscaler.files(
            source,
            targets,
            order.targets,
            format=coding.format,
            file_quality=coding.file_quality,
            lossless=coding.lossless,
            pixel_limit=coding.pixel_limit,
            pyramid=coding.pyramid,
            progress=progress,
        )
    sizes = tuple(path.stat().st_size for path in targets)
    if order.puts is None:
        return Done(results, tuple(path.read_bytes() for path in targets), sizes, stamp, hashed, node)
    for path, url in zip(targets, order.puts, strict=True):
        fs, there = reached(url)
        with writing(url):
            make_folder(fs, there)
            fs.put_file(str(path), there)
    return Done(results, None, sizes, stamp, hashed, node)


def _fetch(url: str, to: Path) -> Stamp:
    """Bring a picture here; tells what it was like."""
    place, _, name = url.rpartition("/")
    for _ in range(3):
        fs, path = reached(url)
        with reading(url):
            fs.invalidate_cache()
            stamp = Stamp.told(fs.info(path))
            fs.get_file(path, str(to))
            if to.stat().st_size == stamp.size and Place(place).stamp(name) == stamp:
                return stamp
    raise PictureUnreadable(f"{url} changes while it is being read", "try again when it is whole")


def _pixels(source: Path, order: Order) -> int:
    """Pixels of a picture that can be computed by tiles; 0 for others, and where that cannot be told."""
    try:
        header = read_header(source, pixel_limit=order.coding.pixel_limit or DEFAULT_PIXEL_LIMIT)
    except SubpixelError:
        return 0
    return header.size.pixels * header.frames


def _wrong(error: SubpixelError, order: Order, folder: Path, node: str) -> Wrong:
    """The error with the names that people know in place of those of files here."""
    known: dict[Any, str] = {folder / "in" / order.name: order.shown}
    known.update({folder / f"out{index}" / file: file for index, file in enumerate(order.files)})
    what, hint = error.what, error.hint
    for path, name in known.items():
        what, hint = what.replace(str(path), name), hint.replace(str(path), name)
    return Wrong(type(error).__name__, what, hint, node)
