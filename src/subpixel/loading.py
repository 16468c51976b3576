"""The networks of one upscaler: found by name, loaded at first use, kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from subpixel import zoo
from subpixel.engines import EngineSettings, Runner, load_engine
from subpixel.plan import PassModel
from subpixel.tile import Network
from subpixel.types import Precision


class Networks:
    """The networks of a model, of a family, or of the defaults.

    Args:
        model: a model's or a family's name, a path to a model, or None for the default of each scale.
        engine: name of the engine that runs them.
        threads: tiles computed side by side.

    Attributes:
        models: what planning needs to know of the network for each scale.

    Raises:
        ModelUnknown: no such model.
    """

    def __init__(self, model: str | Path | None, engine: str, threads: int) -> None:
        self._sources = zoo.candidates(model)
        self._cards = {scale: zoo.card(name) for scale, name in self._sources.items()}
        self._engine = engine
        self._threads = threads
        self._runners: dict[tuple[str, Precision, tuple[int, ...], int], Runner] = {}
        self.models: Mapping[int, PassModel] = {
            scale: PassModel(card.name, scale, card.halo, card.work_for(scale), card.activations, card.align)
            for scale, card in self._cards.items()
        }

    def load(
        self, scales: tuple[int, ...], precision: Precision, *, colour: bool, workers: int | None = None
    ) -> Network:
        """The network that gives results of those scales in one run.

        Args:
            scales: factors, rising, all of one model; its other outputs are not computed.
            precision: arithmetic.
            colour: True for pictures with colour: networks on luma then get bicubic ones for Cb and Cr.
            workers: tiles in work at a time, where they are fewer than threads: engines keep memory for each.

        Raises:
            ModelError: the model's files are damaged.
            EngineError: the engine cannot run the network.
        """
        card = self._cards[scales[-1]]
        chroma = {}
        for scale in scales if colour and card.colour == "y" else ():
            name = zoo.chroma_model(scale)
            if name is not None:
                chroma[scale] = self._runner(
                    name, "fp32", (scale,), self._threads
                )  # as exact as can be: it costs next to nothing
        return Network(
            name=card.name,
            run=self._runner(self._sources[scales[-1]], precision, scales, workers or self._threads),
            scales=scales,
            halo=card.halo,
            colour=card.colour,
            value_range=card.value_range,
            align=card.align,
            chroma=chroma,
            keeps_flat=card.task == "super-resolution",
        )

    def _runner(self, model: str | Path, precision: Precision, scales: tuple[int, ...], threads: int) -> Runner:
        key = (str(model), precision, scales, threads)
        if key not in self._runners:
            network = zoo.load_model(model).network
            settings = EngineSettings(threads, precision, scales)
            self._runners[key] = load_engine(self._engine).load(network, settings)
        return self._runners[key]
