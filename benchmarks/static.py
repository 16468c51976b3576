"""Networks alone, compiled for one input size, and the engine's peak on a large convolution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from subpixel.types import NetworkFile

Array = NDArray[np.float32]
Call = Callable[[], Array]
"""Computes once, or `EACH` times for each thread. OpenVINO's results stand in its own buffer: good until the next call,
and while this lives."""

EACH: Final = 8
"""So many inputs for each thread in one call of OpenVINO's: threads that had to wait for one another after every input
would rest a tenth of the time, which those of the main path do not."""

PEAK_SIDE, PEAK_WIDTH, PEAK_LAYERS = 256, 64, 8
PEAK_OPERATIONS: Final = 2 * 9 * PEAK_WIDTH**2 * PEAK_LAYERS * PEAK_SIDE**2
"""Multiplications and additions of one run of the peak's network."""


def openvino_static(network: NetworkFile, precision: str, threads: int, batch: Array) -> Call:
    """A network in OpenVINO for the size of `batch` (1, C, H, W), as the main path runs it: see `_compiled`."""
    import openvino

    from subpixel.engines.openvino import in_float

    graph = openvino.Core().read_model(network.onnx, b"")
    if network.int8 and precision != "int8":
        in_float(graph)
    graph.reshape(list(batch.shape))
    return _compiled(graph, precision, threads, batch)


def onnxruntime_static(network: NetworkFile, precision: str, threads: int, batch: Array) -> Call:
    """The same file in ONNX Runtime, one call on all threads."""
    import onnxruntime

    from subpixel.engines.onnxruntime import in_float

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    file = in_float(network) if network.int8 and precision != "int8" else network.onnx
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run() -> Array:
        result: Array = session.run(None, {name: batch})[-1]
        return result

    return run


def openvino_peak(precision: str, threads: int) -> Call:
    """Eight convolutions 64→64, 3×3, with ReLU on 256×256: as fast as the engine gets on such networks."""
    import openvino
    from openvino import opset13 as op

    rng = np.random.default_rng(0)
    x = op.parameter([1, PEAK_WIDTH, PEAK_SIDE, PEAK_SIDE], openvino.Type.f32, name="x")
    low, high = np.float32(0), np.float32(4)
    y = op.fake_quantize(x, low, high, low, high, 256) if precision == "int8" else x
    for _ in range(PEAK_LAYERS):
        values = rng.normal(0, (2 / (9 * PEAK_WIDTH)) ** 0.5, (PEAK_WIDTH, PEAK_WIDTH, 3, 3)).astype(np.float32)
        weights: Any = op.constant(values)
        if precision == "int8":
            most = np.abs(values).max(axis=(1, 2, 3), keepdims=True)
            levels = np.rint(values / most * 127).astype(np.int8)
            weights = op.multiply(op.convert(op.constant(levels), openvino.Type.f32), op.constant(most / 127))
        y = op.relu(op.convolution(y, weights, [1, 1], [1, 1], [1, 1], [1, 1]))
        if precision == "int8":
            y = op.fake_quantize(y, low, high, low, high, 256)
    batch = rng.random((1, PEAK_WIDTH, PEAK_SIDE, PEAK_SIDE)).astype(np.float32)
    return _compiled(openvino.Model([y], [x], "peak"), precision, threads, batch)


def _compiled(graph: Any, precision: str, threads: int, batch: Array) -> Call:
    """`EACH` inputs for each thread, every thread taking the next: so the main path runs its tiles and frames."""
    import openvino

    options = {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": threads,
        "ENABLE_CPU_PINNING": False,
    }
    queue = openvino.AsyncInferQueue(openvino.Core().compile_model(graph, "CPU", options), threads)
    given = openvino.Tensor(batch, shared_memory=True)
    last = len(graph.outputs) - 1

    def run() -> Array:
        for _ in range(threads * EACH):
            queue.start_async(given)  # which has to live as long as the requests
        queue.wait_all()
        result: Array = queue[0].get_output_tensor(last).data
        return result

    return run
