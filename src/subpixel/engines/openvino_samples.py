"""OpenVINO graphs that take 8-bit samples as they are, and give 8-bit samples.

Scaling, rounding and clipping become part of the graph, where they are fused with the layers beside them; the pixels of
a result are shuffled as bytes instead of floats, straight to their places.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib import import_module
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from subpixel.engines.base import Levels

_STATIC: Final = 12
"""So many shapes of input get a graph of their own, which takes 0.1 s and some memory to make."""
_WORDS: Final = {2: np.uint16, 4: np.uint32, 8: np.uint64}
"""What so many samples beside one another are as one number."""
_WORTH: Final = 3_000_000
"""Pixels of one shape after which that has paid: a graph of its own saves some 40 ns for each."""


def in_samples(openvino: Any, graph: Any, levels: Levels) -> tuple[Any, int]:
    """A graph on uint8 in place of `graph`, which is used up: one input and one output, of one channel, float32.

    Returns:
        The graph, and how many pixels of result its output holds side by side for each of its own: n where its last
        step, a shuffle from (1, n², H, W) to (1, 1, n·H, n·W), is left to the caller, as (1, H, W, n²); else 1.
    """
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
    rounded = ops.transpose(rounded, ops.constant(np.array([0, 2, 3, 1], np.int32)))  # as it lies in memory anyway
    block = 1 if shuffle is None else int(shuffle.get_attributes()["block_size"])
    return openvino.Model([rounded.output(0)], [samples], graph.get_friendly_name()), block


def shuffled(pixels: NDArray[np.uint8], block: int, into: NDArray[np.uint8], margin: int) -> None:
    """The shuffle that `in_samples` leaves over, of what is wanted alone: quicker than in the graph.

    Args:
        pixels: (1, H, W, block²).
        block: how many pixels of result stand in a pixel's place, down and across.
        into: (h, w), rows of samples beside one another: the part of the result (block·H, block·W) that begins `margin`
            below its first row and behind its first column.
        margin: a multiple of `block`.
    """
    height, width, start = into.shape[0] // block, into.shape[1] // block, margin // block
    wanted = pixels[0, start : start + height, start : start + width]
    word = _WORDS.get(block)
    if word is not None:  # the samples that one pixel adds to a row at once: several times as quick
        words, rows = wanted.view(word), into.view(word)
        for row in range(block):
            rows[row::block] = words[..., row]
        return
    for index in range(block**2):
        row, column = divmod(index, block)
        into[row::block, column::block] = wanted[..., index]


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
    """A graph compiled once for any shape, and anew for those that come often; each thread has its own requests.

    Args:
        graph: with dynamic shapes.
        compiled: compiles one.
    """

    def __init__(self, graph: Any, compiled: Callable[[Any], Any]) -> None:
        self._graph, self._compile = graph, compiled
        self._ready: dict[tuple[int, ...] | None, Any] = {}
        self._seen: dict[tuple[int, ...], int] = {}
        self._lock = threading.Lock()
        self._local = threading.local()

    def request(self, shape: tuple[int, ...]) -> Any:
        """This thread's request for inputs of that shape."""
        with self._lock:
            place = self._place(shape)
            if place not in self._ready:
                graph = self._graph.clone()
                if place is not None:
                    graph.reshape(list(place))
                self._ready[place] = self._compile(graph)
        requests = self._local.__dict__
        key = str(place)
        if key not in requests:
            requests[key] = self._ready[place].create_infer_request()
        return requests[key]

    def _place(self, shape: tuple[int, ...]) -> tuple[int, ...] | None:
        """The shape itself where it has a graph of its own or is to get one: the first, and those that come often."""
        if shape not in self._ready:
            self._seen[shape] = self._seen.get(shape, 0) + prod(shape)
            if len(self._ready) >= _STATIC or (self._ready and self._seen[shape] < _WORTH):
                return None
        return shape
