"""From a finished training to a model: ONNX file and card, checked before anything is written."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from subpixel.errors import OutputExists, TrainingError
from subpixel_train import costs, files, recipe, torch_graph
from subpixel_train.graph import check_parity, to_onnx
from subpixel_train.held import values_held
from subpixel_train.networks import Chain, Network, build
from subpixel_train.pretrained import without_weights
from subpixel_train.recipe import Recipe
from subpixel_train.rounding import settle
from subpixel_train.train.state import RECIPE, load_weights

SETS = ("Set5", "Set14", "BSD100")
"""Benchmark sets on the card."""


@dataclass(frozen=True, slots=True)
class Score:
    """Quality of the output of one scale on one set: PSNR in dB and SSIM, both on Y."""

    scale: int
    name: str
    psnr: float
    ssim: float


def load_run(run: Path) -> tuple[Recipe, Network]:
    """The recipe and the trained network, in the padded form that ships, from the folder of a training."""
    text = run / RECIPE
    if not text.is_file():
        raise TrainingError(f"there is no training in {run}", "give the folder that subpixel train wrote")
    made = recipe.parse(text.read_text(encoding="utf-8"), str(text), [])
    tensors, _ = load_weights(run)
    with without_weights():  # they are among the trained ones
        network = build(made.network, made.scale)
    try:
        network.load_state_dict(tensors)
    except RuntimeError:
        raise TrainingError(f"the weights in {run} do not fit its recipe", "train again into another folder") from None
    return made, network.eval()


def export_run(run: Path, output: Path, *, data: Path | None, overwrite: bool) -> Path:
    """Write NAME.onnx and card.toml of a training.

    Args:
        run: folder of the training.
        output: folder to write to; made if needed.
        data: folder with `benchmark/` to measure the scores of the card on; None: a card without scores.
        overwrite: replace a model that is there.

    Returns:
        Path of the card.

    Raises:
        OutputExists: there is a model and `overwrite` is False.
        TrainingError: no training there, or the exported network computes something else than PyTorch.
    """
    made, network = load_run(run)
    weights, card = output / f"{made.name}.onnx", output / "card.toml"
    if card.exists() and not overwrite:
        raise OutputExists(f"{card} exists", "replace it with --overwrite, or give another --output")
    if isinstance(network, Chain):
        settle(network, made.centre)
        onnx = to_onnx(network, made.centre)
    else:
        torch_graph.round_weights(network)
        onnx = torch_graph.export(network)
    check_parity(network, onnx, made.centre)
    held = held_values(network, onnx)
    scores = measure(made, network, onnx, held, data) if data else []
    files.replace(weights, onnx)
    files.replace(card, card_text(made, network, onnx, held, scores).encode())
    return card


def measure(made: Recipe, network: Network, onnx: bytes, held: int, data: Path) -> list[Score]:
    """PSNR and SSIM by the protocol, through OpenVINO in fp32, on those of `SETS` that `data` has."""
    from subpixel.measure import benchmark_set, evaluate
    from subpixel.measure.methods import model

    scores = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / made.name
        files.replace(place / f"{made.name}.onnx", onnx)
        files.replace(place / "card.toml", card_text(made, network, onnx, held, []).encode())
        for scale in reversed(network.scales):
            enlarger = model(place, scale, engine="openvino", precision="fp32", threads=1)
            for name in SETS:
                if (data / "benchmark" / name / "HR" / f"x{scale}").is_dir():
                    (score,) = evaluate({made.name: enlarger}, benchmark_set(data, name, scale))
                    scores.append(Score(scale, name, score.psnr, score.ssim))
    return scores


def held_values(network: Network, onnx: bytes) -> int:
    """Values held per small pixel while the network runs: counted for a chain of layers, measured for others."""
    counted = costs.measure(network).activations
    if isinstance(network, Chain):
        return counted
    return values_held(
        onnx,
        channels=network.channels,
        scales=network.scales,
        align=network.align,
        guess=4 * counted,
        name=network.name,
    )


def card_text(made: Recipe, network: Network, onnx: bytes, held: int, scores: list[Score]) -> str:
    """The card as TOML; JSON's strings and numbers are TOML's too."""
    cost = costs.measure(network)
    facts: dict[str, object] = {
        "name": made.name,
        "title": f"{network.title} {' and '.join(f'×{scale}' for scale in network.scales)}",
        "summary": made.card.summary,
        "task": "super-resolution",
        "family": made.name.removesuffix(f"-x{made.scale}"),
        "scale": made.scale,
        "colour": "y" if network.channels == 1 else "rgb",
        "value_range": [0.0, 1.0],
        "halo": network.halo,
        "parameters": network.trained_parameters,
        "macs": cost.multiply_adds,
        "activations": held,
        "weights": f"{made.name}.onnx",
        "sha256": hashlib.sha256(onnx).hexdigest(),
        "licence": made.card.licence,
        "paper": network.paper,
        "recipe": made.name,
        "training_data": made.card.training_data,
    }
    if len(network.scales) > 1:
        facts["scales"] = list(network.scales)
    if network.align > 1:
        facts["align"] = network.align
    if made.card.training:
        facts["training"] = made.card.training
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in facts.items()]
    for scale in network.scales[:-1]:
        lines += ["", f"[outputs.x{scale}]", f"macs = {costs.measure(network, scale).multiply_adds}"]
    for score in scores:
        place = "" if score.scale == network.scale else f"outputs.x{score.scale}."
        lines += ["", f"[{place}scores.{score.name}]", f"psnr = {score.psnr:.3f}", f"ssim = {score.ssim:.4f}"]
    return "\n".join(lines) + "\n"
