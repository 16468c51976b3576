"""The networks of one upscaler: found by name, loaded at first use, kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import RLock

from subpixel import zoo
from subpixel.engines import (
    EngineSettings,
    Levels,
    Runner,
    SampleRunner,
    choose_precision,
    has_vnni,
    load_samples,
    load_tiles,
)
from subpixel.ensemble import FOLD, ensemble
from subpixel.image import chroma
from subpixel.plan import PassModel
from subpixel.tile import Mending, Network
from subpixel.types import Precision, PrecisionChoice, Quality


class Networks:
    """The networks of a model, of a family, or of the defaults.

    Args:
        model: a model's or a family's name, a path to a model, or None for the default of each scale.
        engine: name of the engine that runs them.
        threads: tiles computed side by side.
        quality: which defaults, where `model` is None.
        restore: take networks trained on squeezed pictures, where there are such; see `zoo.candidates`.
        eightfold: give the mean over all flips and transpositions of what a network sees, where they differ.
        precision: arithmetic, or ``"auto"``.

    Attributes:
        models: what planning needs to know of the network for each scale.
        later: the same, for passes after the first: what was restored once is clean.

    Raises:
        ModelUnknown: no such model.
    """

    def __init__(
        self,
        model: str | Path | None,
        engine: str,
        threads: int,
        *,
        quality: Quality = zoo.DEFAULT_QUALITY,
        restore: bool = False,
        eightfold: bool = False,
        precision: PrecisionChoice = "auto",
    ) -> None:
        self._sources = zoo.candidates(model, quality=quality, restore=restore)
        self._later = zoo.candidates(model, quality=quality)
        self._engine = engine
        self._threads = threads
        self._eightfold = eightfold
        self._precision = precision
        self._lock = RLock()  # pictures side by side load each network once
        self._runners: dict[tuple[str, Precision, tuple[int, ...], int], Runner] = {}
        self._samples: dict[tuple[str, EngineSettings, Levels], SampleRunner | None] = {}
        self.models = self._described(self._sources)
        self.later = self._described(self._later)

    @property
    def weights(self) -> tuple[str, ...]:
        """Every network there is to use, as ``name@hash``: other weights of the same name are others here."""
        cards = [zoo.card(source) for source in {*self._sources.values(), *self._later.values()}]
        mends = [zoo.load_colour(card.mends).card for card in cards if card.mends]
        return tuple(sorted({f"{card.name}@{card.sha256[:16]}" for card in (*cards, *mends)}))

    def precision_for(self, bits: int) -> Precision:
        """Arithmetic for pictures with that many bits per sample, as `load` takes it."""
        sources = {*self._sources.values(), *self._later.values()}
        int8 = any(zoo.card(source).int8 for source in sources)
        bf16 = any(zoo.card(source).bf16 for source in sources)
        return choose_precision(self._precision, engine=self._engine, bits=bits, int8=int8, bf16=bf16)

    def _described(self, sources: Mapping[int, str | Path]) -> Mapping[int, PassModel]:
        made = {}
        for scale, source in sources.items():
            card, fold, more = zoo.card(source), 1, 0
            if self._folds(card):
                fold, more = FOLD, 2 * scale**2 + 1  # the sum, a result, the input laid down anew
            held = card.activations
            if card.int8 and self.precision_for(8) == "int8":
                held //= 2  # bytes, but engines keep sums beside them, and float32 for pictures of 16 bits
            activations, halo = held + more, card.halo
            if card.mends:
                halo = max(halo, chroma.HALO + zoo.load_colour(card.mends).card.halo)
            work = fold * card.work_for(scale)
            made[scale] = PassModel(card.name, scale, halo, work, activations, card.align, fold=fold)
        return made

    def _folds(self, card: zoo.Card) -> bool:
        """Whether a network's results are the mean over all eight: what is the same in all of them is made once."""
        return self._eightfold and not card.symmetric

    def load(
        self,
        scales: tuple[int, ...],
        precision: Precision,
        *,
        colour: bool,
        workers: int | None = None,
        later: bool = False,
    ) -> Network:
        """The network that gives results of those scales in one run.

        Args:
            scales: factors, rising, all of one model; its other outputs are not computed.
            precision: arithmetic; int8, unless it was asked for by name, is that of networks that have it alone.
            colour: True for pictures with colour: networks on luma then get bicubic ones for Cb and Cr.
            workers: tiles in work at a time, where they are fewer than threads: engines keep memory for each.
            later: True for a pass after the first.

        Raises:
            ModelError: the model's files are damaged.
            EngineError: the engine cannot run the network.
        """
        source = (self._later if later else self._sources)[scales[-1]]
        card = zoo.card(source)
        if precision == "int8" and self._precision == "auto" and not card.int8:
            precision = choose_precision("auto", engine=self._engine, bits=8)
        if precision == "bf16" and self._precision == "auto" and not card.bf16:
            precision = "fp32"
        run = self._runner(source, precision, scales, workers or self._threads)
        mends = card.mends if colour and card.colour == "y" else ""
        return Network(
            name=card.name,
            run=ensemble(run) if self._folds(card) else run,
            scales=scales,
            halo=card.halo,
            colour=card.colour,
            value_range=card.value_range,
            align=card.align,
            keeps_flat=card.task == "super-resolution",
            mending=self._mending(mends, precision, workers or self._threads) if mends else None,
        )

    def _mending(self, name: str, precision: Precision, threads: int) -> Mending:
        """What mends colour, in int8 wherever the processor has it, whatever the network beside it computes in.

        Its convolutions are dilated, and of those engines add up floats in another order here and there: only whole
        numbers make its tiles exact. bfloat16 is too coarse for what it keeps.
        """
        network = zoo.load_colour(name).network
        exact: Precision = "int8" if precision == "int8" or (network.int8 and has_vnni()) else "fp32"
        key = (name, exact, (1,), threads)
        with self._lock:
            if key not in self._runners:
                settings = EngineSettings(threads, exact, (1,))
                self._runners[key] = load_tiles(self._engine, network, settings)
        return Mending(name, self._runners[key], network.halo)

    def load_samples(
        self, scales: tuple[int, ...], precision: Precision, levels: Levels, *, workers: int | None = None
    ) -> SampleRunner | None:
        """The network of the first pass for 8-bit samples of luma as they are: what `load` gives, quicker.

        None where engine, network, precision or ensemble want floats.

        Raises:
            ModelError, EngineError: as `load`.
        """
        source = self._sources[scales[-1]]
        card = zoo.card(source)
        if self._folds(card) or len(scales) > 1 or card.scales != scales:
            return None
        if card.colour != "y" or card.value_range != (0.0, 1.0):
            return None
        if precision == "int8" and self._precision == "auto" and not card.int8:
            precision = choose_precision("auto", engine=self._engine, bits=8)
        settings = EngineSettings(workers or self._threads, precision, scales)
        key = (str(source), settings, levels)
        if key not in self._samples:
            self._samples[key] = load_samples(self._engine, zoo.load_model(source).network, settings, levels)
        return self._samples[key]

    def _runner(self, model: str | Path, precision: Precision, scales: tuple[int, ...], threads: int) -> Runner:
        key = (str(model), precision, scales, threads)
        with self._lock:
            if key not in self._runners:
                network = zoo.load_model(model).network
                settings = EngineSettings(threads, precision, scales)
                self._runners[key] = load_tiles(self._engine, network, settings)
        return self._runners[key]
