"""Networks of any shape as ONNX graphs, through PyTorch's own exporter; weights stored in half precision."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import onnx
import torch
from onnx import TensorProto, checker, helper, numpy_helper
from torch import nn

from subpixel import __version__
from subpixel_train.networks import Network

OPSET: Final = 18
IR_VERSION: Final = 8

_WORTH_HALVING: Final = 256
"""Constants with fewer values stay in float32: biases, gains."""


def output_names(network: Network) -> tuple[str, ...]:
    """Names of the graph's outputs: "y", or "y2", "y4" where there are several."""
    return ("y",) if len(network.scales) == 1 else tuple(f"y{scale}" for scale in network.scales)


@torch.no_grad()
def round_weights(network: nn.Module) -> None:
    """Round all larger weights to float16, in place, so that the file holds exactly what was measured."""
    for parameter in network.parameters():
        if parameter.numel() >= _WORTH_HALVING:
            parameter.copy_(parameter.half().float())


def export(network: Network) -> bytes:
    """The network as it ships: "x" (N, C, H, W) → one output per scale, (N, C, sH, sW), float32, all sizes free.

    Weights are stored as float16 behind a cast, half the file; `round_weights` first makes that exact.
    """
    return trace(copy.deepcopy(network).cpu().eval(), network.channels, network.align, output_names(network))


def trace(network: nn.Module, channels: int, align: int = 1, outputs: Sequence[str] = ("y",), least: int = 1) -> bytes:
    """Any module in evaluation mode as a graph: "x" (N, channels, H, W) → `outputs`, float32, all sizes free.

    Args:
        network: what is followed.
        channels: of its input.
        align: H and W have to be multiples of it.
        outputs: names of its results.
        least: least H and W.

    Raises:
        Exception: whatever the exporter meets in code that it cannot follow.
    """
    first = max(2, -(-least // align))
    height, width = (torch.export.Dim(name, min=first, max=1 << 20) for name in ("h", "w"))
    sizes = {0: torch.export.Dim("N", min=1, max=1 << 12), 2: align * height, 3: align * width}
    rows, columns = (max(first + more, -(-count // align)) for more, count in ((2, 24), (1, 20)))
    example = torch.rand(2, channels, rows * align, columns * align)
    with _quietly():
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            input_names=["x"],
            output_names=list(outputs),
            dynamic_shapes=(sizes,),
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    return _finished(program.model_proto)


def _finished(model: onnx.ModelProto) -> bytes:
    """Without the exporter's notes, weights halved, checked."""
    graph = model.graph
    casts = []
    for constant in graph.initializer:
        values = numpy_helper.to_array(constant)
        if values.dtype == np.float32 and values.size >= _WORTH_HALVING and (values.astype(np.float16) == values).all():
            name = constant.name
            constant.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
            casts.append(helper.make_node("Cast", [f"{name}.half"], [name], name=f"{name}.cast", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    for node in nodes:
        del node.metadata_props[:]
        node.doc_string = ""
    plain = helper.make_graph(nodes, "network", graph.input, graph.output, graph.initializer)
    made = helper.make_model(
        plain,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="subpixel",
        producer_version=__version__,
    )
    checker.check_model(made, full_check=True)
    return bytes(made.SerializeToString())


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """The exporter speaks of torchvision, of its own steps and of its future; none of it concerns a user."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
