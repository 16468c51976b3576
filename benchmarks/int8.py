"""What int8 wins: processor time of one core for plain networks of several shapes, in each arithmetic.

    python benchmarks/int8.py [--shape 32x3 ...] [--size 320x180] [--scale 4]

WIDTHxDEPTH of untrained networks (what they compute does not change what they cost), with a learned enlargement and
back-projection as in the house's line, from the one file that would ship. Processor time, not time on the clock: other
programs do not add to it. The least of several runs; `free`: sizes left open, as the upscaler runs tiles; `fixed`:
compiled for this size alone.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import openvino
import torch

from subpixel.engines.openvino import in_float
from subpixel_train.networks.plain import PlainSettings
from subpixel_train.networks.plain_int8 import PlainInt8
from subpixel_train.quantise import calibration
from subpixel_train.quantise.graph import to_qdq

PRECISIONS = ("fp32", "bf16", "int8")


def file(width: int, depth: int, scale: int) -> bytes:
    torch.manual_seed(0)
    settings = PlainSettings(width=width, depth=depth, skip="learned", faithful=True, int8=True)
    network = PlainInt8(settings, scale).eval()
    torch.nn.init.normal_(network.last.weight, std=0.02)
    calibration.fit(network, [torch.rand(1, 1, 32, 32)])
    return to_qdq(network)


def milliseconds(onnx: bytes, precision: str, height: int, width: int, runs: int, *, fixed: bool) -> float:
    core = openvino.Core()
    graph = core.read_model(onnx, b"")
    if precision != "int8":
        in_float(graph)
    if fixed:
        graph.reshape([1, 1, height, width])
    hint = "bf16" if precision == "bf16" else "f32"
    options = {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
    request = core.compile_model(graph, "CPU", options | {"ENABLE_CPU_PINNING": False}).create_infer_request()
    x = np.random.default_rng(0).random((1, 1, height, width), np.float32)
    request.set_input_tensor(openvino.Tensor(x, shared_memory=True))
    times = []
    for _ in range(runs + 2):
        began = time.process_time()
        request.infer()
        times.append(time.process_time() - began)
    return 1000 * min(times[2:])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--shape", action="append", metavar="WIDTHxDEPTH")
    parser.add_argument("--size", default="320x180")
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--runs", type=int, default=8)
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    print(f"×{given.scale}, {width}×{height}, ms of one core")
    print("| width × depth | fp32 | bf16 | int8 | bf16 / int8 | int8, fixed size |\n|---|---|---|---|---|---|")
    for shape in given.shape or ["32x3", "32x12", "64x13"]:
        onnx = file(*map(int, shape.split("x")), given.scale)
        fp32, bf16, int8 = (milliseconds(onnx, p, height, width, given.runs, fixed=False) for p in PRECISIONS)
        fixed = milliseconds(onnx, "int8", height, width, given.runs, fixed=True)
        print(
            f"| {shape.replace('x', ' × ')} | {fp32:.1f} | {bf16:.1f} | {int8:.1f} | {bf16 / int8:.2f} | {fixed:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
