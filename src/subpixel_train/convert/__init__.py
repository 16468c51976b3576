"""Models that others made, turned into a folder that `subpixel upscale --model` takes.

One path for all: open the file, export the network, measure how far it sees, compare engines, write ONNX and card.
Nothing is written unless ONNX Runtime and OpenVINO give what the network gives.
"""

from __future__ import annotations

import copy
import hashlib
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import EngineError, ModelError, OutputExists, SettingError
from subpixel.types import NetworkFile
from subpixel_train import files, torch_graph
from subpixel_train.convert import cards, community, cost, isr, onnx_files, parity, reach
from subpixel_train.convert.exportable import any_batch
from subpixel_train.convert.opened import Opened
from subpixel_train.convert.source import Kind, kind_of
from subpixel_train.pretrained import load_weights_file

__all__ = ["Converted", "Options", "convert"]

HALVED: float = 1.0
"""Most that storing weights in half precision may change a result, in levels of 8 bits."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a person may decide.

    Attributes:
        name: of the model; None: after the file.
        title: None: the name and the factor.
        licence: SPDX name.
        halo: input pixels; None: measured.
        half: store weights in half precision.
        value_range: what black and white are at the input of an ONNX network; None: found out.
        studio: True for grey networks on luma of BT.601 in 16–235; False: 0–255.
        overwrite: replace a model that is there.
    """

    name: str | None = None
    title: str | None = None
    licence: str = "unknown"
    halo: int | None = None
    half: bool = False
    value_range: tuple[float, float] | None = None
    studio: bool = False
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written.

    Attributes:
        card: its path.
        architecture: what the network is.
        difference: largest difference between engines, in 0–1.
        notes: what its user should know, one line each.
    """

    card: Path
    architecture: str
    difference: float
    notes: tuple[str, ...]


def convert(source: Path, output: Path | None = None, options: Options | None = None) -> Converted:
    """Write NAME.onnx and card.toml of a model that others made.

    Args:
        source: .pth, .pt, .ckpt or .safetensors of an architecture that spandrel knows, .hdf5 of ISR, or .onnx.
        output: folder to write to; None: the model's name, in the current folder.
        options: what a person may decide.

    Raises:
        SettingError: `source` is a training of this project, or an option cannot be right.
        TrainingError: something is not installed, or the file holds more than weights; nothing in it is executed.
        ModelUnknown: not a file of a known kind or architecture.
        ModelDamaged: damaged weights.
        ModelError: a network that does not enlarge, or engines that compute something else.
        OutputExists: there is a model and `options.overwrite` is False.
    """
    options = options or Options()
    kind = kind_of(source)
    name = cards.clean(options.name or source.stem)
    folder = output or Path(name)
    card = folder / "card.toml"
    if card.exists() and not options.overwrite:
        raise OutputExists(f"{card} exists", "replace it with --overwrite, or give another --output")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch, about how others wrote their networks
        if kind is Kind.ONNX:
            facts, onnx, difference, notes = _from_onnx(source, name, options)
        else:
            opened = isr.open_weights(source) if kind is Kind.KERAS else _community(source)
            facts, onnx, difference, notes = _from_torch(source, name, opened, options)
    files.replace(folder / f"{name}.onnx", onnx)
    files.replace(card, cards.text(facts).encode())
    return Converted(card, facts.architecture, difference, notes)


def _community(source: Path) -> Opened:
    weights: dict[str, Any] = dict(load_weights_file(source))
    return community.open_weights(weights, source.name)


def _from_torch(
    source: Path, name: str, opened: Opened, options: Options
) -> tuple[cards.Facts, bytes, float, tuple[str, ...]]:
    if options.value_range is not None:
        raise SettingError("--range is for ONNX files", "of other networks the range is known")
    original = parity.by_torch(opened.network)
    align = reach.steps(original, opened.channels, opened.scale, opened.align, opened.minimum)
    opened = replace(opened, align=align, minimum=-(-opened.minimum // align) * align)
    notes = []
    if options.half:
        opened = replace(opened, network=copy.deepcopy(opened.network))
        torch_graph.round_weights(opened.network)
        notes.append(_halved(original, parity.by_torch(opened.network), opened))
    reference = parity.by_torch(opened.network)
    halo = reach.measure(opened.network, reference, opened.channels, opened.scale, align, opened.minimum)
    halo = halo if options.halo is None else halo.at(options.halo)
    onnx = _export(opened)
    file = NetworkFile(name, onnx, opened.scale, opened.channels, halo.halo, align=align)
    pictures = parity.inputs(opened.channels, align, opened.minimum)
    difference = parity.compare(file, reference, pictures)
    macs, activations = cost.count(opened)
    facts = _facts(
        source,
        name,
        options,
        architecture=" ".join((opened.architecture, *opened.tags)),
        scale=opened.scale,
        channels=opened.channels,
        align=align,
        halo=halo,
        parameters=sum(parameter.numel() for parameter in opened.network.parameters()),
        macs=macs,
        activations=cost.held(file, activations),
        paper=opened.paper,
        onnx=onnx,
        bf16=parity.bf16_levels(file, reference, pictures[-1]),
    )
    return facts, onnx, difference, (*notes, *_notes(facts, options))


def _from_onnx(source: Path, name: str, options: Options) -> tuple[cards.Facts, bytes, float, tuple[str, ...]]:
    if options.half:
        raise SettingError("--half is for weights, not for ONNX files", "leave it out")
    graph = onnx_files.open_graph(source, options.value_range)
    halo = graph.halo if options.halo is None else graph.halo.at(options.halo)
    file = graph.file(name)
    low, high = graph.value_range
    pictures = [x * np.float32(high - low) + np.float32(low) for x in parity.inputs(graph.channels, graph.align, 16)]
    if _one_at_a_time(graph, pictures[2]):
        pictures = [x[:1] for x in pictures]
    reference = parity.runner(file, "onnxruntime")
    difference = parity.compare(file, reference, pictures)
    facts = _facts(
        source,
        name,
        options,
        architecture="ONNX network",
        scale=graph.scale,
        channels=graph.channels,
        align=graph.align,
        halo=halo,
        parameters=graph.parameters,
        macs=graph.macs,
        activations=cost.held(file, graph.activations),
        paper="",
        onnx=graph.onnx,
        bf16=parity.bf16_levels(file, reference, pictures[-1]) if (low, high) == (0.0, 1.0) else None,
        value_range=graph.value_range,
    )
    return facts, graph.onnx, difference, _notes(facts, options)


def _one_at_a_time(graph: onnx_files.Graph, two: NDArray[np.float32]) -> bool:
    """True where the graph takes a single picture only, which is all that upscaling asks of it."""
    try:
        parity.runner(graph.file("graph"), "onnxruntime")(two)
    except EngineError:
        return True
    return False


def _export(opened: Opened) -> bytes:
    try:
        with any_batch(opened.network):
            return torch_graph.trace(opened.network, opened.channels, opened.align, least=opened.minimum)
    except Exception as error:  # the exporter's errors share no base, and name its own sources
        reason = error.__cause__ or error
        first = next(iter(str(reason).strip().splitlines()), type(reason).__name__)
        raise ModelError(
            f"{opened.architecture} cannot be exported with free sizes: {first}", "nothing was written"
        ) from None


def _halved(original: parity.Run, rounded: parity.Run, opened: Opened) -> str:
    """What half precision changes, as a note; refused where it is more than a level."""
    picture = parity.inputs(opened.channels, opened.align, opened.minimum)[-1]
    change = float(np.abs(rounded(picture).clip(0, 1) - original(picture).clip(0, 1)).max()) * 255
    if change > HALVED:
        raise ModelError(f"weights in half precision change results by {change:.1f} levels", "leave --half out")
    return f"Weights in half precision change results by {change:.2f} of 255 levels."


def _facts(
    source: Path,
    name: str,
    options: Options,
    *,
    architecture: str,
    scale: int,
    channels: int,
    align: int,
    halo: reach.Reach,
    parameters: int,
    macs: int,
    activations: int,
    paper: str,
    onnx: bytes,
    bf16: float | None,
    value_range: tuple[float, float] = (0.0, 1.0),
) -> cards.Facts:
    if channels == 1 and not options.studio and value_range == (0.0, 1.0):
        value_range = cards.STUDIO_FROM_FULL
    return cards.Facts(
        name=name,
        title=options.title or f"{source.stem} ×{scale}",
        architecture=architecture,
        scale=scale,
        channels=channels,
        align=align,
        reach=halo,
        value_range=value_range,
        parameters=parameters,
        macs=macs,
        activations=activations,
        licence=options.licence,
        paper=paper,
        source=source.name,
        source_sha256=hashlib.sha256(source.read_bytes()).hexdigest(),
        sha256=hashlib.sha256(onnx).hexdigest(),
        bf16=bf16,
    )


def _notes(facts: cards.Facts, options: Options) -> tuple[str, ...]:
    notes = [cards.about_tiles(facts.reach), cards.about_bf16(facts.bf16)]
    if facts.align > 1:
        notes.append(f"Tiles start at multiples of {facts.align} pixels, as its windows do.")
    if facts.channels == 1:
        luma = "16–235 (--studio)" if options.studio else "0–255; for one trained on 16–235 convert with --studio"
        notes.append(f"It sees luma, as {luma}; colour is enlarged bicubically.")
    if options.licence == "unknown":
        notes.append("Its licence is not known here: put it on the card with --licence.")
    return tuple(note for note in notes if note)
