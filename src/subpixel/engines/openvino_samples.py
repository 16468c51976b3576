"""OpenVINO graphs that take 8-bit samples as they are, and give 8-bit samples.

Scaling, rounding and clipping become part of the graph, where they are fused with the layers beside them, and the
pixels of a result are shuffled as bytes instead of floats.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import numpy as np

from subpixel.engines.base import Levels

_STATIC: Final = 4
"""So many shapes of input get a graph of their own, which is quicker by some percent; it takes 0.1 s to make."""


def in_samples(openvino: Any, graph: Any, levels: Levels) -> Any:
    """A graph on uint8 in place of `graph`, which is used up: one input and one output, of one channel, float32."""
    ops = import_module("openvino.opset13")

    def number(value: float) -> Any:
        return ops.constant(np.float32(value))

    (parameter,) = graph.get_parameters()
    samples = ops.parameter([-1, 1, -1, -1], np.uint8, "samples")
    floats = ops.multiply(ops.convert(samples, "f32"), number(levels.gain))
    if levels.offset:
        floats = ops.add(floats, number(levels.offset))
    parameter.output(0).replace(floats.output(0))

    made = graph.get_results()[0].input_value(0)
    shuffle, after = _shuffle(made.get_node())
    if shuffle is not None:
        made = shuffle.input_value(0)
        for constant in after:
            made = ops.add(made, constant).output(0)
    if levels.offset:
        made = ops.add(made, number(-levels.offset)).output(0)
    scaled = ops.add(ops.multiply(made, number(1 / levels.gain)), number(0.5))
    # What is behind the point is cut off; white is clipped a little above 255, which fused layers would miss by a hair.
    rounded = ops.convert(ops.clamp(scaled, 0.0, 255.25), "u8")
    if shuffle is not None:
        rounded = ops.depth_to_space(rounded, "depth_first", shuffle.get_attributes()["block_size"])
    return openvino.Model([rounded.output(0)], [samples], graph.get_friendly_name())


def _shuffle(node: Any) -> tuple[Any | None, list[Any]]:
    """The last node that moves samples to their places, and single numbers that are added behind it.

    Where one plane is made, both orders that a shuffle can have are the same.
    """
    added: list[Any] = []
    while node.get_type_name() == "Add":
        pair = [node.input_value(index) for index in range(2)]
        numbers = [one for one in pair if one.get_node().get_type_name() == "Constant" and _single(one)]
        others = [one for one in pair if one not in numbers]
        if len(numbers) != 1 or len(others) != 1:
            break
        added.insert(0, numbers[0])
        node = others[0].get_node()
    return (node, added) if node.get_type_name() == "DepthToSpace" else (None, [])


def _single(output: Any) -> bool:
    return bool(np.prod(output.get_shape(), dtype=np.int64) == 1)


class Shapes:
    """A graph compiled for the first few shapes it meets, and once for all others; each thread has its own requests.

    Args:
        graph: with dynamic shapes.
        compiled: compiles one.
    """

    def __init__(self, graph: Any, compiled: Callable[[Any], Any]) -> None:
        self._graph, self._compile = graph, compiled
        self._ready: dict[tuple[int, ...] | None, Any] = {}
        self._lock = threading.Lock()
        self._local = threading.local()

    def request(self, shape: tuple[int, ...]) -> Any:
        """This thread's request for inputs of that shape."""
        requests = self._local.__dict__
        key = str(shape)
        if key not in requests:
            with self._lock:
                place = shape if shape in self._ready or len(self._ready) < _STATIC else None
                if place not in self._ready:
                    graph = self._graph.clone()
                    if place is not None:
                        graph.reshape(list(place))
                    self._ready[place] = self._compile(graph)
            shared = str(place)
            if shared not in requests:
                requests[shared] = self._ready[place].create_infer_request()
            requests[key] = requests[shared]
        return requests[key]
