"""ONNX Runtime, an optional engine: `pip install 'subpixel[onnxruntime]'`."""

from __future__ import annotations

from typing import cast

from subpixel.engines.base import Batch, EngineSettings, Runner
from subpixel.errors import EngineError
from subpixel.types import NetworkFile


class OnnxRuntimeEngine:
    """Runs on the CPU in fp32. Each call computes on its caller's thread, so calls run side by side."""

    def load(self, network: NetworkFile, settings: EngineSettings) -> Runner:
        """See `Engine.load`."""
        if settings.precision != "fp32":
            raise EngineError(
                f"the engine onnxruntime cannot compute in {settings.precision}",
                "use --precision fp32, or --engine openvino",
            )
        try:
            import onnxruntime
        except ImportError as error:
            hint = "pip install 'subpixel[onnxruntime]'"
            raise EngineError("the engine onnxruntime is not installed", hint) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            session = onnxruntime.InferenceSession(network.onnx, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions share no base below Exception
            reason = str(error).strip().splitlines()[-1]
            raise EngineError(f"onnxruntime cannot load the network {network.name}: {reason}") from error
        name = session.get_inputs()[0].name

        def run(batch: Batch) -> Batch:
            try:
                return cast(Batch, session.run(None, {name: batch})[0])
            except Exception as error:
                reason = str(error).strip().splitlines()[-1]
                raise EngineError(f"onnxruntime failed in the network {network.name}: {reason}") from error

        return run
