"""Which networks a picture goes through: clean ones, or those trained on squeezed pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from subpixel import zoo
from subpixel.errors import SettingError
from subpixel.image.compression import Limits, assess
from subpixel.loading import Networks
from subpixel.results import Chosen
from subpixel.types import Coding, PictureLike, PrecisionChoice, Quality


@dataclass(frozen=True, slots=True)
class Choice:
    """Networks, and why these.

    Attributes:
        networks: loaded at first use.
        chosen: what to tell about it.
    """

    networks: Networks
    chosen: Chosen


def told_squeezed(coding: Coding | None, limits: Limits | None = None) -> bool:
    """True where a file alone tells that its picture is squeezed; its pixels may tell so where this is False."""
    limits = limits or Limits()
    return coding is not None and coding.quality <= (limits.webp if coding.name == "WebP" else limits.quality)


class Chooser:
    """Chooses for one picture after the other; networks stay loaded.

    Args:
        model: a model, family or path that was named, or None for the line of `zoo.line`.
        engine: name of the engine that runs them.
        threads: tiles computed side by side.
        quality: how much a better picture is worth.
        restore: True: always those trained on squeezed pictures; False: never; None: as each picture needs, where no
            model was named.
        eightfold: mean over all flips and transpositions; None: for the best quality.
        precision: arithmetic, or ``"auto"``.
        limits: from where on a picture counts as squeezed.

    Raises:
        SettingError: a model trained on squeezed pictures was named, and `restore` is False.
        ModelUnknown: no such model.
    """

    def __init__(
        self,
        model: str | Path | None,
        engine: str,
        threads: int,
        *,
        quality: Quality = zoo.DEFAULT_QUALITY,
        restore: bool | None = None,
        eightfold: bool | None = None,
        precision: PrecisionChoice = "auto",
        limits: Limits | None = None,
    ) -> None:
        self._model, self._engine, self._threads, self._quality = model, engine, threads, quality
        self.restore = False if restore is None and model is not None else restore
        self._limits, self._precision = limits, precision
        self.eightfold = quality == "best" if eightfold is None else eightfold
        if restore is False and model is not None and zoo.restores(model):
            raise SettingError(
                f"the model {model} restores squeezed pictures, and --clean (restore=False) was given",
                "name another model, or leave one of the two out",
            )
        self.clean = self._networks(restore=False)

    @cached_property
    def restoring(self) -> Networks:
        """The networks for squeezed pictures: the clean ones where there are no others."""
        sources = (zoo.candidates(self._model, quality=self._quality, restore=restore) for restore in (False, True))
        return self.clean if len({tuple(one.items()) for one in sources}) == 1 else self._networks(restore=True)

    def _networks(self, *, restore: bool) -> Networks:
        return Networks(
            self._model,
            self._engine,
            self._threads,
            quality=self._quality,
            restore=restore,
            eightfold=self.eightfold,
            precision=self._precision,
        )

    def __call__(self, picture: PictureLike | None = None) -> Choice:
        """The choice for a picture; None: for one that is not squeezed."""
        if self.restore:
            there = self.restoring is not self.clean or (self._model is not None and zoo.restores(self._model))
            reason = "" if there else "no model of this kind is trained on squeezed pictures"
            return Choice(self.restoring, Chosen(there, self.eightfold, reason, lacking=not there))
        if self.restore is False or picture is None or self.restoring is self.clean:
            return Choice(self.clean, Chosen(False, self.eightfold))
        found = assess(picture.beginning, self._limits)
        return self._judged(found.squeezed, found.reason)

    def film(self, judge: Callable[[], tuple[bool, str]]) -> Choice:
        """The choice for a film.

        Args:
            judge: tells whether it is squeezed, and how that is known; asked only where that decides.
        """
        if self.restore is not None or self.restoring is self.clean:
            return self()
        return self._judged(*judge())

    def _judged(self, squeezed: bool, reason: str) -> Choice:
        networks = self.restoring if squeezed else self.clean
        return Choice(networks, Chosen(squeezed, self.eightfold, reason))
