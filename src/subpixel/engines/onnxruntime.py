"""ONNX Runtime, an optional engine: `pip install 'subpixel[onnxruntime]'`."""

from __future__ import annotations

from subpixel.engines.base import Batch, EngineSettings, Runner, wanted_outputs
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
        outputs = session.get_outputs()
        wanted = [outputs[index].name for index in wanted_outputs(network, settings, len(outputs))]
        only = onnxruntime.RunOptions()
        only.only_execute_path_to_fetches = True  # what leads to other outputs is left out
        only.log_severity_level = 4

        def run(batch: Batch) -> tuple[Batch, ...]:
            try:
                return tuple(session.run(wanted, {name: batch}, only))
            except Exception as error:
                reason = str(error).strip().splitlines()[-1]
                raise EngineError(f"onnxruntime failed in the network {network.name}: {reason}") from error

        return run
