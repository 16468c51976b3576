"""From a finished training to a model: ONNX file and card, checked before anything is written."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import torch

from subpixel.errors import OutputExists, TrainingError
from subpixel.types import Precision
from subpixel.zoo import COLOUR
from subpixel_train import costs, files, recipe, torch_graph
from subpixel_train.data import drawn_pairs, held_out_pairs, inputs, training_photographs
from subpixel_train.graph import check_colour, check_parity, to_onnx
from subpixel_train.held import values_held
from subpixel_train.networks import Chain, Colour, Network, Plain, PlainInt8, build
from subpixel_train.networks.colour import ColourCoreInt8, encoded
from subpixel_train.networks.folding import fold
from subpixel_train.networks.plain import PlainSettings
from subpixel_train.pretrained import without_weights
from subpixel_train.quantise import calibration
from subpixel_train.quantise.graph import colour_to_qdq, to_qdq
from subpixel_train.recipe import Recipe
from subpixel_train.rounding import settle
from subpixel_train.train.state import RECIPE, load_weights

SETS = ("Set5", "Set14", "BSD100")
"""Benchmark sets on the card."""


@dataclass(frozen=True, slots=True)
class Score:
    """Quality of the output of one scale on one set: PSNR in dB and SSIM, both on Y, in an arithmetic."""

    precision: Precision
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
    if isinstance(network, Plain):
        network = network.untied()
    return made, network.eval()


def export_run(run: Path, output: Path, *, data: Path | None, overwrite: bool, int8: bool | None = None) -> Path:
    """Write NAME.onnx and card.toml of a training.

    Args:
        run: folder of the training.
        output: folder to write to; made if needed.
        data: folder with `benchmark/` to measure the scores of the card on, and that of the training, to round a plain
            network by its held-out pictures; None: a card without scores.
        overwrite: replace a model that is there.
        int8: round a plain network to int8, or not; None: where it can be.

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
    if isinstance(network, Colour):
        core = _rounded_colour(made, network, data, int8)
        onnx = colour_to_qdq(core)
        check_colour(core, onnx)
        files.replace(weights, onnx)
        files.replace(card, colour_card(made, core, onnx).encode())
        return card
    network = _rounded(made, network, data, int8)
    if isinstance(network, PlainInt8):
        onnx = to_qdq(network)
        check_parity(network, onnx, precision="int8", int8=True)
        network.rounded = False
    elif isinstance(network, Chain):
        settle(network, made.centre)
        onnx = to_onnx(network, made.centre)
    else:
        torch_graph.round_weights(network)
        onnx = torch_graph.export(network)
    check_parity(network, onnx, made.centre, int8=isinstance(network, PlainInt8))
    held = held_values(network, onnx)
    scores = measure(made, network, onnx, held, data) if data else []
    files.replace(weights, onnx)
    files.replace(card, card_text(made, network, onnx, held, scores).encode())
    return card


def _rounded(made: Recipe, network: Network, data: Path | None, int8: bool | None) -> Network:
    """The network in int8 where it is to be: as it was trained, or fitted by the pictures its training held out."""
    if isinstance(network, PlainInt8):
        if int8 is False:
            raise TrainingError(f"{made.name} was trained in int8", "leave --float out")
        return network
    if not isinstance(network, Plain) or network.settings.activation != "relu":
        if int8:
            raise TrainingError(f"{made.name} cannot be rounded to int8", "only plain networks with relu can be")
        return network
    if int8 is False:
        return network
    # By drawings too: no photograph drives a network as far as black writing on white does.
    pictures = [*_held_out(made, network, data), *inputs(network, drawn_pairs(network))]
    if network.settings.linear:
        network = fold(network, pictures)
    fitted = PlainInt8(network.settings.model_copy(update={"int8": True}), network.scale)
    fitted.load_state_dict(network.state_dict())
    calibration.fit(fitted, pictures)
    return fitted.eval()


def _rounded_colour(made: Recipe, network: Colour, data: Path | None, int8: bool | None) -> ColourCoreInt8:
    """What mends colour, fitted to int8 by the pictures its training held out."""
    if int8 is False:
        raise TrainingError(f"{made.name} ships in int8 alone", "leave --float out")
    fitted = ColourCoreInt8(network.core.settings)
    fitted.load_state_dict(network.core.state_dict())
    calibration.fit(fitted, map(encoded, _held_out(made, network, data)))
    return fitted.eval()


def _held_out(made: Recipe, network: Network, data: Path | None) -> Iterator[torch.Tensor]:
    """Small pictures (1, channels, H, W) that the training held out."""
    if data is None:
        raise TrainingError(
            f"{made.name} is rounded to int8 by pictures that its training held out, and none are known",
            "give --data, or --float for a file without int8",
        )
    _, held_out = training_photographs(data, made.data)
    yield from inputs(network, held_out_pairs(held_out, network, made.data))


def measure(made: Recipe, network: Network, onnx: bytes, held: int, data: Path) -> list[Score]:
    """PSNR and SSIM by the protocol, through OpenVINO, on those of `SETS` that `data` has.

    In fp32, and where the network has int8, in int8 first.
    """
    from subpixel.measure import benchmark_set, evaluate
    from subpixel.measure.methods import model

    scores = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / made.name
        files.replace(place / f"{made.name}.onnx", onnx)
        files.replace(place / "card.toml", card_text(made, network, onnx, held, []).encode())
        precisions: tuple[Precision, ...] = ("int8", "fp32") if isinstance(network, PlainInt8) else ("fp32",)
        for precision, scale in product(precisions, reversed(network.scales)):
            enlarger = model(place, scale, engine="openvino", precision=precision, threads=1)
            for name in SETS:
                if (data / "benchmark" / name / "HR" / f"x{scale}").is_dir():
                    (score,) = evaluate({made.name: enlarger}, benchmark_set(data, name, scale))
                    scores.append(Score(precision, scale, name, score.psnr, score.ssim))
    return scores


def held_values(network: Network, onnx: bytes) -> int:
    """Values held per small pixel while the network runs: counted for a chain of layers, measured for others."""
    counted = costs.measure(network).activations
    if isinstance(network, Chain):
        return counted
    measured = values_held(
        onnx,
        channels=network.channels,
        scales=network.scales,
        align=network.align,
        guess=4 * counted,
        name=network.name,
    )
    return max(measured, counted)  # bytes are less than floats: in fp32 it holds what was counted


def colour_card(made: Recipe, core: ColourCoreInt8, onnx: bytes) -> str:
    """The card of a network that mends colour."""
    parameters = sum(p.numel() for p in core.parameters())
    facts = {
        **_common(made, onnx),
        "title": made.card.title or "Colour",
        "task": COLOUR,
        "family": made.name,
        "scale": 1,
        "colour": "rgb",
        "halo": core.halo,
        "parameters": parameters,
        "macs": sum(layer.weight.numel() for layer in core.convolutions()),
        "activations": 2 * core.settings.width,
        "int8": True,
    }
    return "\n".join(_line(*fact) for fact in facts.items()) + "\n"


def _common(made: Recipe, onnx: bytes) -> dict[str, object]:
    facts: dict[str, object] = {
        "name": made.name,
        "summary": made.card.summary,
        "weights": f"{made.name}.onnx",
        "sha256": hashlib.sha256(onnx).hexdigest(),
        "licence": made.card.licence,
        "recipe": made.name,
        "training_data": made.card.training_data,
    }
    if made.card.training:
        facts["training"] = made.card.training
    return facts


def _line(key: str, value: object) -> str:
    """A line of TOML; JSON's strings and numbers are TOML's too."""
    return f"{key} = {json.dumps(value, ensure_ascii=False)}"


def card_text(made: Recipe, network: Network, onnx: bytes, held: int, scores: list[Score]) -> str:
    """The card as TOML."""
    cost = costs.measure(network)
    facts: dict[str, object] = {
        **_common(made, onnx),
        "title": f"{made.card.title or network.title} {' and '.join(f'×{scale}' for scale in network.scales)}",
        "task": "super-resolution",
        "family": made.name.removesuffix(f"-x{made.scale}"),
        "scale": made.scale,
        "colour": "y" if network.channels == 1 else "rgb",
        "value_range": [0.0, 1.0],
        "halo": network.halo,
        "parameters": network.trained_parameters,
        "macs": cost.multiply_adds,
        "activations": held,
        "paper": network.paper,
    }
    if len(network.scales) > 1:
        facts["scales"] = list(network.scales)
    if network.align > 1:
        facts["align"] = network.align
    if isinstance(network, PlainInt8):
        facts["int8"] = True
    if isinstance(made.network, PlainSettings) and made.network.symmetric:
        facts["symmetric"] = True
    if made.card.mends:
        facts["mends"] = made.card.mends
    lines = [_line(*fact) for fact in facts.items()]
    for scale in network.scales[:-1]:
        lines += ["", f"[outputs.x{scale}]", f"macs = {costs.measure(network, scale).multiply_adds}"]
    for score in scores:
        place = "" if score.scale == network.scale else f"outputs.x{score.scale}."
        table = "float_scores" if isinstance(network, PlainInt8) and score.precision == "fp32" else "scores"
        lines += ["", f"[{place}{table}.{score.name}]", f"psnr = {score.psnr:.3f}", f"ssim = {score.ssim:.4f}"]
    return "\n".join(lines) + "\n"
