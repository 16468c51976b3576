"""OpenVINO, the default engine: the fastest on a CPU, and quick to start (about 0.15 s with everything)."""

from __future__ import annotations

import threading

import numpy as np

from subpixel.engines.base import Batch, EngineSettings, Runner
from subpixel.errors import EngineError
from subpixel.types import NetworkFile

_FIRST = threading.Lock()


class OpenVINOEngine:
    """Runs on the CPU with one stream per thread: every tile is computed by one core, and cores do not wait."""

    def load(self, network: NetworkFile, settings: EngineSettings) -> Runner:
        """See `Engine.load`."""
        try:
            import openvino
        except ImportError as error:
            raise EngineError("the engine openvino is not installed", "pip install openvino") from error
        options = {
            "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[settings.precision],
            "INFERENCE_NUM_THREADS": settings.threads,
            "NUM_STREAMS": settings.threads,
            # Pinning would fight with whatever else the user's computer is doing.
            "ENABLE_CPU_PINNING": False,
        }
        try:
            core = openvino.Core()
            graph = core.read_model(network.onnx, b"")
            compiled = core.compile_model(graph, "CPU", options)
            # OpenVINO's first conversion of an array fills tables guarded by a C++ lock while it holds Python's: two
            # threads that did it at once would wait for each other for ever. So it is done here, once, in one thread.
            with _FIRST:
                _ = openvino.Tensor(np.zeros(1, np.float32), shared_memory=True).data
        except RuntimeError as error:
            raise EngineError(f"openvino cannot load the network {network.name}: {_reason(error)}") from error
        local = threading.local()

        def run(batch: Batch) -> Batch:
            request = getattr(local, "request", None)
            if request is None:
                request = local.request = compiled.create_infer_request()
            try:
                request.set_input_tensor(openvino.Tensor(batch, shared_memory=True))
                request.start_async()
                request.wait()
            except RuntimeError as error:
                raise EngineError(f"openvino failed in the network {network.name}: {_reason(error)}") from error
            # A copy: the request's own buffer is written again by its next call.
            return np.array(request.get_output_tensor().data, dtype=np.float32)

        return run


def _reason(error: RuntimeError) -> str:
    """The last line of OpenVINO's message: the lines before it are places in its source."""
    return str(error).strip().splitlines()[-1]
