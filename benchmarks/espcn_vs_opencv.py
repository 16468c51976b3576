"""Our ESPCN against the ESPCN of OpenCV's `dnn_superres`: quality and time, in one alternating run.

    python benchmarks/espcn_vs_opencv.py --peers PEERS --data DATA

PEERS holds ESPCN_x2.pb, ESPCN_x3.pb, ESPCN_x4.pb (https://github.com/fannymonori/TF-ESPCN, folder `export`); DATA
holds benchmark/Set5 and benchmark/Set14. Both systems get the same 8-bit RGB picture and return the enlarged one:
conversion to YCbCr, network, enlargement of chroma and conversion back are all inside the time. OpenCV's network is the
smaller one: it leaves out conv(64→64, 3). See README.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray
from report import command_line, machine_class, run_command, table, versions, write_section
from scoring import opencv_reduced

from subpixel.measure import (
    Enlarger,
    SetScore,
    benchmark_set,
    bicubic,
    evaluate,
    model,
    read_pixels,
)

SCALES = (2, 3, 4)
SETS = ("Set5", "Set14")
TIMED_SIZE = (640, 426)  # width and height of the picture that is enlarged against the clock
OURS_FP32, OURS_AUTO, OPENCV = "subpixel fp32", "subpixel auto", "OpenCV"
Picture = NDArray[np.uint8]


def opencv_espcn(peers: Path, scale: int) -> Enlarger:
    """OpenCV's own pipeline, RGB in and out."""
    network = cv2.dnn_superres.DnnSuperResImpl_create()
    network.readModel(str(peers / f"ESPCN_x{scale}.pb"))
    network.setModel("espcn", scale)

    def enlarge(picture: Picture) -> Picture:
        rgb = picture if picture.shape[2] == 3 else picture.repeat(3, axis=2)
        large: Picture = network.upsample(np.ascontiguousarray(rgb[..., ::-1]))[..., ::-1]
        return large if picture.shape[2] == 3 else large[..., 1:2]

    return enlarge


def measure_quality(data: Path, peers: Path, threads: int) -> tuple[list[SetScore], list[SetScore]]:
    """Scores on the published small pictures, and on those made by OpenCV's reduction."""
    published: list[SetScore] = []
    reduced: list[SetScore] = []
    for scale in SCALES:
        methods = {
            "bicubic": bicubic(scale),
            OPENCV: opencv_espcn(peers, scale),
            OURS_FP32: model(f"espcn-x{scale}", scale, precision="fp32", threads=threads),
            OURS_AUTO: model(f"espcn-x{scale}", scale, precision="auto", threads=threads),
        }
        for name in SETS:
            pictures = benchmark_set(data, name, scale)
            published += evaluate(methods, pictures)
            with opencv_reduced(pictures) as other:
                reduced += evaluate(methods, other)
    return published, reduced


def measure_time(peers: Path, threads: int, rounds: int) -> dict[tuple[str, int], list[float]]:
    """Seconds per megapixel of result, round by round; in every round the systems take turns on each factor."""
    width, height = TIMED_SIZE
    scene = read_pixels(Path(__file__).parents[1] / "examples" / "scene.png")
    picture = cv2.resize(scene, (width, height), interpolation=cv2.INTER_CUBIC)
    systems: dict[tuple[str, int], Callable[[Picture], Picture]] = {}
    for scale in SCALES:
        systems[OPENCV, scale] = opencv_espcn(peers, scale)
        systems[OURS_FP32, scale] = model(f"espcn-x{scale}", scale, precision="fp32", threads=threads)
        systems[OURS_AUTO, scale] = model(f"espcn-x{scale}", scale, precision="auto", threads=threads)
    for enlarge in systems.values():
        enlarge(picture)  # buffers and kernels are prepared outside the clock, for all alike
    seconds: dict[tuple[str, int], list[float]] = {key: [] for key in systems}
    for turn in range(rounds):
        for key in list(systems)[:: 1 if turn % 2 == 0 else -1]:
            start = perf_counter()
            systems[key](picture)
            megapixels = width * height * key[1] ** 2 / 1e6
            seconds[key].append((perf_counter() - start) / megapixels)
    return seconds


def work_ratio(scale: int) -> float:
    """Multiply-adds per small pixel of the paper's network, over those of OpenCV's, which lacks conv(64→64, 3)."""
    opencv = 25 * 64 + 9 * 64 * 32 + 9 * 32 * scale**2
    return (opencv + 9 * 64 * 64) / opencv


def quality_table(scores: list[SetScore]) -> str:
    rows = []
    for scale in SCALES:
        for name in SETS:
            own = {score.method: score for score in scores if (score.scale, score.set_name) == (scale, name)}
            cells = [f"{own[method].psnr:.2f} / {own[method].ssim:.4f}" for method in own]
            gain = own[OURS_FP32].psnr - own[OPENCV].psnr
            rows.append([f"{name} ×{scale}", *cells, f"{gain:+.2f} dB"])
    return table(["PSNR / SSIM", "bicubic", OPENCV, OURS_FP32, OURS_AUTO, f"{OURS_FP32} − {OPENCV}"], rows)


def time_table(seconds: dict[tuple[str, int], list[float]]) -> str:
    rows = []
    for scale in SCALES:
        peer = seconds[OPENCV, scale]
        row = [f"×{scale}", f"{median(peer):.3f}"]
        for ours in (OURS_FP32, OURS_AUTO):
            own = seconds[ours, scale]
            ratio = median(theirs / mine for theirs, mine in zip(peer, own, strict=True))
            row += [
                f"{median(own):.3f}",
                f"{ratio:.2f} times faster" if ratio >= 1 else f"{1 / ratio:.2f} times slower",
            ]
        rows.append(row)
    return table(["seconds per megapixel", OPENCV, OURS_FP32, "ratio", OURS_AUTO, "ratio"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, required=True, help="folder with ESPCN_x2.pb, …")
    parser.add_argument("--data", type=Path, required=True, help="folder with benchmark/Set5, …")
    parser.add_argument("--threads", type=int, default=2, help="threads for both systems (default 2)")
    parser.add_argument("--rounds", type=int, default=15, help="alternating rounds against the clock (default 15)")
    options = parser.parse_args()
    cv2.setNumThreads(options.threads)
    seconds = measure_time(options.peers, options.threads, options.rounds)
    published, reduced = measure_quality(options.data, options.peers, options.threads)
    width, height = TIMED_SIZE
    body = f"""
Command: `{command_line(hide=("--peers", "--data"))}`

Machine: {machine_class(options.threads)}. {versions("subpixel", "openvino", "opencv-contrib-python-headless")}.

Time, 8-bit RGB in and out, {width}×{height} pixels enlarged; medians of {options.rounds} alternating rounds,
ratios taken round by round. OpenCV's network is the smaller: {work_ratio(2):.1f} / {work_ratio(3):.1f} /
{work_ratio(4):.1f} times fewer multiply-adds for ×2 / ×3 / ×4.

{time_table(seconds)}

Quality on Y (protocol: docs/reference/measure.md), small pictures as published (MATLAB bicubic, antialiased):

{quality_table(published)}

The same, small pictures made by `cv2.resize(…, INTER_CUBIC)`, without antialiasing, as OpenCV's models were trained:

{quality_table(reduced)}
"""
    write_section("ESPCN here and in OpenCV", body)
    print(body)


if __name__ == "__main__":
    run_command(main)
