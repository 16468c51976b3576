"""OpenVINO, the default engine: the fastest on a CPU, and quick to start (about 0.15 s with everything)."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from subpixel.engines.base import (
    Batch,
    EngineSettings,
    Levels,
    Runner,
    SampleRunner,
    check_int8,
    wanted_outputs,
)
from subpixel.engines.processor import cpu_flags
from subpixel.errors import EngineError
from subpixel.types import NetworkFile, Precision

_Sample = TypeVar("_Sample", np.uint8, np.float32)
_FIRST = threading.Lock()
_CONVERTER = "openvino.tools.ovc"
_AMX_WIDTH: Final = 64
"""With AMX, OpenVINO 2026.4 adds up the products of layers with up to 8 input channels in another order, in bf16, where
its rows are shorter than 48 pixels: a narrow tile would differ from the whole picture by a level here and there."""
_AMX_ROWS: Final = 256
_AMX_STEP: Final = 16
"""With AMX, OpenVINO 2026.4 cuts rows of over 256 pixels into equal parts, and those of some lengths, 363 or 399,
into tiny ones: up to 4.6 times the time per pixel. Multiples of 16 are always quick (see "Rows" in
benchmarks/results.md)."""


def _openvino() -> Any:
    """The package, without its converter of other frameworks' models until somebody asks for it.

    Importing the converter takes longer than all the rest of OpenVINO together. The package does without it where it is
    absent, so it is made to look absent during the import, and loaded when `openvino.convert_model` is used.
    """
    hide = "openvino" not in sys.modules and _CONVERTER not in sys.modules
    if hide:
        sys.modules[_CONVERTER] = None  # type: ignore[assignment]
    try:
        openvino = import_module("openvino")
    except ImportError as error:
        raise EngineError("the engine openvino is not installed", "pip install openvino") from error
    finally:
        if hide:
            del sys.modules[_CONVERTER]
    if hide:

        def later(name: str) -> Any:
            if name == "convert_model":
                return import_module(_CONVERTER).convert_model
            raise AttributeError(f"module 'openvino' has no attribute {name!r}")

        openvino.__getattr__ = later  # type: ignore[method-assign]
    return openvino


class OpenVINOEngine:
    """Runs on the CPU with one stream per thread: every tile is computed by one core, and cores do not wait."""

    def load(self, network: NetworkFile, settings: EngineSettings) -> Runner:
        """See `Engine.load`."""
        return self._load(network, settings, tiles=False)

    def load_tiles(self, network: NetworkFile, settings: EngineSettings) -> Runner:
        """See `TileEngine.load_tiles`."""
        return self._load(network, settings, tiles=True)

    def _load(self, network: NetworkFile, settings: EngineSettings, *, tiles: bool) -> Runner:
        openvino = _openvino()
        with _explained(network):
            graph = _read(openvino, network, settings)
            results = graph.get_results()
            wanted = wanted_outputs(network, settings, len(results))
            if len(wanted) < len(results):  # what leads to other outputs is left out
                graph = openvino.Model([results[index] for index in wanted], graph.get_parameters(), network.name)
            compiled = _compiled(openvino, graph, settings)
        local = threading.local()
        least = _AMX_WIDTH if settings.precision == "bf16" and "amx_bf16" in cpu_flags() else 0

        def run(batch: Batch) -> tuple[Batch, ...]:
            height, width = batch.shape[2:]
            if width < least:  # what is added lies beyond the halo of what callers keep
                batch = np.pad(batch, ((0, 0), (0, 0), (0, 0), (0, least - width)), "edge")
            elif tiles:
                batch = _with_quick_rows(batch, network, settings)
            request = getattr(local, "request", None)
            if request is None:
                request = local.request = compiled.create_infer_request()
            try:
                request.set_input_tensor(openvino.Tensor(batch, shared_memory=True))
                request.start_async()
                request.wait()
            except RuntimeError as error:
                raise EngineError(f"openvino failed in the network {network.name}: {_reason(error)}") from error
            made = (request.get_output_tensor(index).data for index in range(len(wanted)))
            # A copy: the request's own buffer is written again by its next call.
            return tuple(
                np.array(result[..., : width * (result.shape[2] // height)], dtype=np.float32) for result in made
            )

        return run

    def load_samples(self, network: NetworkFile, settings: EngineSettings, levels: Levels) -> SampleRunner | None:
        """See `SampleEngine.load_samples`."""
        # In bf16 samples themselves would be rounded; in fp32 the last sums, with scaling and rounding fused to them,
        # depend on a tile's size here and there, where sums alone do not.
        if settings.precision != "int8":
            return None
        from subpixel.engines.openvino_samples import Shapes, in_samples, shuffled

        openvino = _openvino()
        with _explained(network):
            graph, block = in_samples(openvino, _read(openvino, network, settings), levels)
            shapes = Shapes(graph, lambda one: _compiled(openvino, one, settings))

        def run(batch: NDArray[np.uint8], into: NDArray[np.uint8], margin: int) -> None:
            batch = _with_quick_rows(batch, network, settings)
            with _explained(network, "run"):
                request = shapes.request(batch.shape)
                request.set_input_tensor(openvino.Tensor(batch, shared_memory=True))
                request.start_async()
                request.wait()
            shuffled(request.get_output_tensor(0).data, block, into, margin)

        return run


def quick_width(width: int, align: int, precision: Precision) -> int:
    """The length, at least `width` and a multiple of `align` as it is, of rows that this processor computes quickly."""
    if width <= _AMX_ROWS or f"amx_{precision}" not in cpu_flags():
        return width
    step = math.lcm(_AMX_STEP, align)
    return -(-width // step) * step


def _with_quick_rows(batch: NDArray[_Sample], network: NetworkFile, settings: EngineSettings) -> NDArray[_Sample]:
    """The tiles (N, C, H, W), in rows whose length is quick: wider at the right, beyond the halo of what is kept."""
    more = quick_width(batch.shape[3], network.align, settings.precision) - batch.shape[3]
    return np.pad(batch, ((0, 0), (0, 0), (0, 0), (0, more)), "edge") if more else batch


@contextmanager
def _explained(network: NetworkFile, what: str = "load") -> Iterator[None]:
    """OpenVINO's errors as ours."""
    try:
        yield
    except RuntimeError as error:
        raise EngineError(f"openvino cannot {what} the network {network.name}: {_reason(error)}") from error


def _read(openvino: Any, network: NetworkFile, settings: EngineSettings) -> Any:
    """The graph as it is to be computed."""
    if settings.precision == "int8":
        check_int8(network)
    graph = _core(openvino).read_model(network.onnx, b"")
    if network.int8 and settings.precision != "int8":
        in_float(graph)
    return graph


def _compiled(openvino: Any, graph: Any, settings: EngineSettings) -> Any:
    """The graph, ready for as many calls side by side as there are threads."""
    options = {
        "INFERENCE_PRECISION_HINT": "bf16" if settings.precision == "bf16" else "f32",  # int8: of what is not in it
        "INFERENCE_NUM_THREADS": settings.threads,
        "NUM_STREAMS": settings.threads,
        # Pinning would fight with whatever else the user's computer is doing.
        "ENABLE_CPU_PINNING": False,
    }
    compiled = _core(openvino).compile_model(graph, "CPU", options)
    # OpenVINO's first conversion of an array fills tables guarded by a C++ lock while it holds Python's: two threads
    # that did it at once would wait for each other for ever. So it is done here, once, in one thread.
    with _FIRST:
        _ = openvino.Tensor(np.zeros(1, np.float32), shared_memory=True).data
    computed = compiled.get_property("INFERENCE_PRECISION_HINT")
    if settings.precision == "bf16" and computed != openvino.Type.bf16:
        raise EngineError("this processor does not compute in bf16", "use --precision fp32, or leave it to auto")
    return compiled


def in_float(graph: Any) -> None:
    """Leave out what rounds values, in place: Round, and pairs of QuantizeLinear and DequantizeLinear.

    OpenVINO reads such a pair as FakeQuantize, Convert, Convert, Subtract (of the zero point) and Multiply.
    """
    for node in graph.get_ops():
        if node.get_type_name() == "FakeQuantize":
            last = node
            while last.get_type_name() != "Multiply":
                (following,) = last.output(0).get_target_inputs()
                last = following.get_node()
            last.output(0).replace(node.input_value(0))
        elif node.get_type_name() == "Round":
            node.output(0).replace(node.input_value(0))


@cache
def _core(openvino: Any) -> Any:
    """OpenVINO's list of devices, made once."""
    return openvino.Core()


def _reason(error: RuntimeError) -> str:
    """The last line of OpenVINO's message: the lines before it are places in its source."""
    return str(error).strip().splitlines()[-1]
