"""Engines run networks. The rest of the project sees only `load_engine`, `Engine`, `Runner` and `EngineSettings`."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import Final, cast

from subpixel.engines.base import (
    Batch,
    Engine,
    EngineSettings,
    Levels,
    Runner,
    SampleEngine,
    SampleRunner,
    TileEngine,
    choose_precision,
)
from subpixel.engines.processor import has_bf16, has_vnni, memory_limit, nominal_gflops, usable_cores
from subpixel.errors import EngineError, SettingError
from subpixel.types import NetworkFile

__all__ = [
    "DEFAULT_ENGINE",
    "Batch",
    "Engine",
    "EngineSettings",
    "Levels",
    "Runner",
    "SampleRunner",
    "check_engine",
    "choose_precision",
    "engine_names",
    "has_bf16",
    "has_vnni",
    "load_engine",
    "load_samples",
    "load_tiles",
    "memory_limit",
    "nominal_gflops",
    "usable_cores",
]

DEFAULT_ENGINE: Final = "openvino"

# Engines of the house, known without a search through installed packages (which would cost 20 ms at every start).
_OWN: Final = {
    "openvino": "subpixel.engines.openvino:OpenVINOEngine",
    "onnxruntime": "subpixel.engines.onnxruntime:OnnxRuntimeEngine",
    "fake": "subpixel.engines.fake:FakeEngine",
}


def _installed() -> dict[str, str]:
    """Engines that installed packages offer under the entry point `subpixel.engines`, name → "module:class"."""
    from importlib.metadata import entry_points

    return {entry.name: entry.value for entry in entry_points(group="subpixel.engines")}


def engine_names() -> tuple[str, ...]:
    """Names of the engines that run networks (the fake one for tests is not among them)."""
    return tuple(sorted({*_OWN, *_installed()} - {"fake"}))


def check_engine(name: str) -> None:
    """Raise SettingError where there is no engine of that name; the nearest names are in the hint."""
    if name in _OWN or name in _installed():
        return
    names = engine_names()
    near = get_close_matches(name, names, 1)
    raise SettingError(
        f"no engine is called {name!r}", f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
    )


def load_engine(name: str) -> Engine:
    """The engine of that name.

    Raises:
        SettingError: there is none; the nearest names are in the hint.
        EngineError: its package cannot be imported.
    """
    check_engine(name)
    where = _OWN.get(name) or _installed()[name]
    module, _, attribute = where.partition(":")
    try:
        made = getattr(import_module(module), attribute)()
    except ImportError as error:
        raise EngineError(f"the engine {name} cannot be loaded: {error}", "install what it needs") from error
    return cast(Engine, made)


def load_tiles(name: str, network: NetworkFile, settings: EngineSettings) -> Runner:
    """The network from the engine of that name, for tiles: results within `network.halo` of their borders are not kept.

    Raises:
        SettingError, EngineError: as `load_engine` and `Engine.load`.
    """
    engine = load_engine(name)
    if not hasattr(engine, "load_tiles"):
        return engine.load(network, settings)
    return cast(TileEngine, engine).load_tiles(network, settings)


def load_samples(name: str, network: NetworkFile, settings: EngineSettings, levels: Levels) -> SampleRunner | None:
    """The network for 8-bit samples as they are, from the engine of that name; None where it takes floats alone.

    Raises:
        SettingError, EngineError: as `load_engine` and `Engine.load`.
    """
    engine = load_engine(name)
    if not hasattr(engine, "load_samples"):
        return None
    return cast(SampleEngine, engine).load_samples(network, settings, levels)
