"""How long things take on this computer: what was measured, or a guess from the processor's nominal speed."""

from __future__ import annotations

from typing import Final

from subpixel import zoo
from subpixel.calibrating import Machine
from subpixel.engines import nominal_gflops
from subpixel.errors import SubpixelError
from subpixel.plan import Target, make_plan
from subpixel.types import Precision, Quality, Size
from subpixel.upscaler import Upscaler
from subpixel.web.api import Settings, Sides
from subpixel.web.messages import Guessed, Measured

_PER_PIXEL: Final = 60e-9
"""Seconds around the networks for a pixel of result: colour, coding."""


class Timing:
    """Times of networks.

    Args:
        threads: tiles computed side by side.
    """

    def __init__(self, threads: int) -> None:
        self._machine = Machine(threads)

    def _precision(self, model: str) -> Precision:
        """What ``"auto"`` takes for a picture of 8 bits."""
        return self._machine.precisions(model)[-1]

    def measure(self, model: str) -> Measured:
        """One model's time, measured unless it is known."""
        try:
            seconds = self._machine.measure(model, self._precision(model)).seconds
        except SubpixelError:
            return Measured(model=model, seconds_per_megapixel=None)
        return Measured(model=model, seconds_per_megapixel=seconds * 1e6 / zoo.card(model).scale ** 2)

    def known(self, model: str) -> float | None:
        """Seconds for one input pixel, None where it was not measured."""
        return self._machine.known(model, self._precision(model))

    def seconds(self, settings: Settings, size: Size, frames: int) -> float:
        """Roughly, for all of a job."""
        with self._upscaler(settings.model, settings.quality, settings.restoring) as upscaler:
            networks = upscaler.choose().networks
            plan = upscaler.plans(size, (settings.target,), networks)[0]
            total = plan.target.pixels * _PER_PIXEL
            for step in plan.passes:
                known = self.known(step.model.name)
                nominal = nominal_gflops(self._precision(step.model.name)) * 1e9 * self._machine.threads
                total += step.computed * (step.model.work * 2 / nominal if known is None else known * step.model.fold)
            return total * frames

    def _upscaler(self, model: str | None, quality: Quality | None, restore: bool | None) -> Upscaler:
        return Upscaler(model, quality=quality or zoo.DEFAULT_QUALITY, restore=restore, threads=self._machine.threads)

    def guess(self, sides: Sides) -> Guessed:
        """Of every family and quality; None where one of its networks was not measured."""
        size, target = Size(sides.width, sides.height), sides.settings.target
        after = target.size_for(size)
        families = {name: self._known_for(name, None, size, target, sides.frames) for name in zoo.families()}
        models = {name: self._known_for(name, None, size, target, sides.frames) for name in zoo.model_names()}
        qualities = {one: self._known_for(None, one, size, target, sides.frames) for one in zoo.QUALITIES}
        return Guessed(
            width=after.width,
            height=after.height,
            seconds={**models, **families},
            qualities=qualities,
        )

    def _known_for(
        self, model: str | None, quality: Quality | None, size: Size, target: Target, frames: int
    ) -> float | None:
        try:
            found = zoo.candidates(model, quality=quality or zoo.DEFAULT_QUALITY)
            with self._upscaler(model, quality, None) as upscaler:
                models = upscaler.networks.models
                plan = make_plan(size, target, models)
        except SubpixelError:
            return None
        total = plan.target.pixels * _PER_PIXEL
        for step in plan.passes:
            one = self.known(str(found[step.model.scale]))
            if one is None:
                return None
            total += one * step.computed * step.model.fold
        return total * frames
