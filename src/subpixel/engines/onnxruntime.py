"""ONNX Runtime, an optional engine: `pip install 'subpixel[onnxruntime]'`."""

from __future__ import annotations

from subpixel.engines.base import Batch, EngineSettings, Runner, check_int8, wanted_outputs
from subpixel.errors import EngineError
from subpixel.types import NetworkFile


class OnnxRuntimeEngine:
    """Runs on the CPU in fp32 or int8. Each call computes on its caller's thread, so calls run side by side."""

    def load(self, network: NetworkFile, settings: EngineSettings) -> Runner:
        """See `Engine.load`."""
        if settings.precision == "bf16":
            raise EngineError(
                "the engine onnxruntime cannot compute in bf16", "use --precision fp32, or --engine openvino"
            )
        if settings.precision == "int8":
            check_int8(network)
        try:
            import onnxruntime
        except ImportError as error:
            hint = "pip install 'subpixel[onnxruntime]'"
            raise EngineError("the engine onnxruntime is not installed", hint) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        whole = network.onnx if settings.precision == "int8" or not network.int8 else in_float(network)
        try:
            session = onnxruntime.InferenceSession(whole, options, providers=["CPUExecutionProvider"])
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


def in_float(network: NetworkFile) -> bytes:
    """The file without what rounds values: Round, and pairs of QuantizeLinear and DequantizeLinear."""
    try:
        import onnx
    except ImportError as error:
        hint = "pip install 'subpixel[onnxruntime]', or use --precision int8 or --engine openvino"
        raise EngineError(f"onnxruntime needs the package onnx to run {network.name} in fp32", hint) from error
    model = onnx.load_from_string(network.onnx)
    nodes = model.graph.node
    rounded = {node.output[0]: node.input[0] for node in nodes if node.op_type == "QuantizeLinear"}
    as_it_was = {node.output[0]: rounded[node.input[0]] for node in nodes if node.input and node.input[0] in rounded}
    kept = [node for node in nodes if not {*node.output} & {*rounded, *as_it_was}]
    for node in kept:
        if node.op_type == "Round":
            node.op_type = "Identity"
        node.input[:] = [as_it_was.get(name, name) for name in node.input]
    del nodes[:]
    nodes.extend(kept)
    return bytes(model.SerializeToString())
