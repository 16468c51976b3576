"""Bicubic enlargement as a model like any other: `python -m subpixel_train.classical FOLDER`.

It has nothing to train. Y networks use it for Cb and Cr, and every comparison starts from it. Each model is written to
FOLDER/bicubic-xN; scores go on the cards where `SUBPIXEL_DATA` names a folder with benchmark/.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Final

from subpixel.errors import SettingError
from subpixel_train import files
from subpixel_train.export import SETS
from subpixel_train.graph import assemble, convolution, shuffle, tensor
from subpixel_train.networks import BicubicEnlarge

SCALES: Final = (2, 3, 4)
_REACH: Final = 2  # pixels on each side that a = −0.5 cubic convolution looks at


def bicubic_onnx(scale: int) -> bytes:
    """The graph: one fixed 5×5 convolution to scale² phases, and the shuffle that puts them in place."""
    nodes = [convolution("x", ["bicubic"], "phases", 2 * _REACH + 1), shuffle("phases", "y", scale)]
    return assemble(f"bicubic-x{scale}", nodes, [tensor("bicubic", BicubicEnlarge(scale).get_buffer("kernels"))])


def bicubic_card(scale: int, onnx: bytes, scores: dict[str, tuple[float, float]]) -> str:
    """The card of one scale; `scores` are (PSNR, SSIM) by set."""
    facts: dict[str, object] = {
        "name": f"bicubic-x{scale}",
        "title": f"Bicubic ×{scale}",
        "summary": "The classical method, nothing learnt: what networks are measured against.",
        "task": "super-resolution",
        "family": "bicubic",
        "scale": scale,
        "colour": "y",
        "value_range": [0.0, 1.0],
        "halo": _REACH,
        "parameters": 0,
        "macs": (2 * _REACH + 1) ** 2 * scale**2,
        "activations": scale**2 + 1,
        "weights": f"bicubic-x{scale}.onnx",
        "sha256": hashlib.sha256(onnx).hexdigest(),
        "licence": "Apache-2.0",
        "paper": "https://doi.org/10.1109/TASSP.1981.1163711",
    }
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in facts.items()]
    for name, (psnr, ssim) in scores.items():
        lines += ["", f"[scores.{name}]", f"psnr = {psnr:.3f}", f"ssim = {ssim:.4f}"]
    return "\n".join(lines) + "\n"


def write(folder: Path, data: Path | None) -> None:
    """Write the models of every scale under `folder`, with scores where `data` has benchmark/."""
    from subpixel.measure import benchmark_set, evaluate
    from subpixel.measure.methods import model

    made = {scale: (folder / f"bicubic-x{scale}", bicubic_onnx(scale)) for scale in SCALES}
    for scale, (place, onnx) in made.items():
        files.replace(place / f"bicubic-x{scale}.onnx", onnx)
        files.replace(place / "card.toml", bicubic_card(scale, onnx, {}).encode())
    if data is None:
        return
    for scale, (place, onnx) in made.items():
        scores = {}
        for name in SETS:
            (score,) = evaluate({"bicubic": model(place, scale)}, benchmark_set(data, name, scale))
            scores[name] = (score.psnr, score.ssim)
        files.replace(place / "card.toml", bicubic_card(scale, onnx, scores).encode())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(str(SettingError("no folder was given", "python -m subpixel_train.classical src/subpixel/zoo/models")))
    write(Path(sys.argv[1]), Path(os.environ["SUBPIXEL_DATA"]) if "SUBPIXEL_DATA" in os.environ else None)
