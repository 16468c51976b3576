"""The best picture that fits a time: which networks, in which arithmetic, once or eight-fold.

Everything there is to choose from is put in order of quality, by the scores on the models' cards; the first whose time
on this machine fits is taken. Times come from `calibrating`, and only those are measured that decide.
"""

from __future__ import annotations

import math
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from subpixel import image, zoo
from subpixel.calibrating import Machine, scene
from subpixel.engines import nominal_gflops, usable_cores
from subpixel.ensemble import FOLD
from subpixel.errors import OutputError, SettingError
from subpixel.image.compression import assess
from subpixel.image.header import Header
from subpixel.image.samples import is_opaque
from subpixel.plan import Plan, Target
from subpixel.types import Picture, Precision, PrecisionChoice, Quality
from subpixel.upscaler import Upscaler

_EIGHTFOLD_DB: Final = 0.11  # what the mean of eight gains: 0.07–0.16 measured on Set5 and Set14, swift, crisp and fine
_LOSS_DB: Final = {"fp32": 0.0, "bf16": 0.01, "int8": 0.0}  # int8 has scores of its own
_MARGIN: Final = 1.1  # on every estimate: other programs take a little of the machine
_HOPELESS: Final = 3.0  # extrapolated times are not further off than this
_CALIBRATION_S: Final = 0.7  # after so long, what was not measured is extrapolated
_LOAD_S: Final = 0.15  # loading a network
_LONGEST_S: Final = 365 * 24 * 3600.0
_CODED_SIDES: Final = (64, 320)  # what opening and naming a file takes does not grow with the picture

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_time(text: str) -> float:
    """``"10s"`` → 10.0, ``"500ms"`` → 0.5, ``"2m"`` → 120.0, ``"1m30s"`` → 90.0.

    Raises:
        SettingError: something else.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*(ms|min|s|m|h)", text.strip().lower())
    if "".join(number + unit for number, unit in parts) != re.sub(r"\s", "", text.lower()) or not parts:
        raise SettingError(f"the time is {text!r}", "give a number and a unit, as --within 10s, 500ms or 2m")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if seconds <= 0:
        raise SettingError(f"the time is {text!r}", "give more than nothing, as --within 10s")
    if seconds > _LONGEST_S:
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        raise SettingError(f"the time is {shown!r}, over a year", "--quality best takes what time it needs")
    return seconds


@dataclass(frozen=True, slots=True)
class Work:
    """A picture to be made larger.

    Attributes:
        header: what its file says of it.
        formats: of each result; None: not written to a file.
        restore: whether it goes through networks trained on squeezed pictures; None: its pixels will decide, and until
            then it counts as clean.
    """

    header: Header
    formats: tuple[str | None, ...]
    restore: bool | None = False


@dataclass(frozen=True, slots=True)
class Fit:
    """What was chosen for a time.

    Attributes:
        quality: whose models.
        eightfold: True for the mean over all flips and transpositions.
        precision: arithmetic.
        seconds: how long it will take, about.
        fits: False where nothing fits, and this is the quickest.
        line: what was chosen and why, for people.
    """

    quality: Quality
    eightfold: bool
    precision: Precision
    seconds: float
    fits: bool
    line: str


def best_upscaler(
    picture: Picture,
    targets: Sequence[Target],
    seconds: float,
    *,
    model: str | Path | None = None,
    restore: bool | None = None,
    started: float | None = None,
) -> Upscaler:
    """The upscaler that makes the best of a decoded picture in a time.

    Args:
        picture: the picture.
        targets: factor or size of each result.
        seconds: the time.
        model: a model that was named; None: choose among the line's.
        restore: as of `Upscaler`.
        started: when the time began, by `time.perf_counter`; None: now.

    Raises:
        SubpixelError: as `choose_within`.
    """
    began = time.perf_counter() if started is None else started
    if restore is None and model is None:
        restore = assess(picture).squeezed
    alpha = picture.has_alpha and not is_opaque(picture.pixels)
    header = Header(picture.metadata.format or "", picture.size, picture.frames, picture.bits, alpha)
    work = Work(header, (None,) * len(targets), bool(restore))
    machine = Machine(usable_cores())
    fit = choose_within(seconds, [work], targets, machine, model=model, spent=time.perf_counter() - began)
    return Upscaler(model, quality=fit.quality, restore=restore, eightfold=fit.eightfold, precision=fit.precision)


@dataclass(frozen=True, slots=True)
class _Option:
    """One way to do the work."""

    quality: Quality
    eightfold: bool
    precision: Precision
    passes: tuple[tuple[str, int], ...]  # models, and input pixels that go through each
    decibels: float
    sure: bool  # False where other networks may be taken, once pixels are seen

    @property
    def label(self) -> str:
        if not self.passes:
            return "resampling"
        families = " and ".join(dict.fromkeys(zoo.card(model).family for model, _ in self.passes))
        return f"{families}{' eight-fold' if self.eightfold else ''} in {self.precision}"


def choose_within(
    seconds: float,
    works: Sequence[Work],
    targets: Sequence[Target],
    machine: Machine,
    *,
    model: str | Path | None = None,
    precision: PrecisionChoice = "auto",
    tile: int | None = None,
    spent: float = 0.0,
) -> Fit:
    """The best way to do all of the work in a time.

    Takes under a second, most of it where networks were not measured on this machine before.

    Args:
        seconds: the time.
        works: the pictures.
        targets: factor or size of each result, the same for all pictures.
        machine: whose times are known or measured.
        model: a model that was named; None: choose among the line's.
        precision: an arithmetic that was asked for; ``"auto"``: choose.
        tile: largest side of a tile.
        spent: seconds that went by already.

    Raises:
        ModelError, EngineError: a model that cannot be used.
        SettingError: a target that no picture can reach.
    """
    started = time.perf_counter()
    options = sorted(_options(works, targets, machine, model, precision, tile), key=lambda one: -one.decibels)
    files = _coding_seconds(works, targets)
    better = ""
    quickest: tuple[float, _Option] | None = None

    def others() -> float:
        """What everything but the networks takes, with what measuring them took so far."""
        return spent + files + time.perf_counter() - started

    for option in options:
        late = time.perf_counter() - started > _CALIBRATION_S
        guess = _seconds(option, machine, measure=False)
        if guess is None or (guess <= _HOPELESS * max(seconds - others(), 0.0) and not late):
            guess = _seconds(option, machine, measure=True)
            assert guess is not None
        total = guess + others()
        if total <= seconds:
            doubt = "" if option.sure else " if nothing has to be restored"
            line = f"{option.label}: about {_told(total)} of {_told(seconds)}{doubt}{better}"
            return Fit(option.quality, option.eightfold, option.precision, total, True, line)
        better = f"; {option.label} would take about {_told(total)}"
        if quickest is None or guess < quickest[0]:
            quickest = guess, option
    assert quickest is not None
    guess, option = quickest
    total = guess + others()
    line = f"nothing fits {_told(seconds)}: {option.label}, the quickest, takes about {_told(total)}"
    return Fit(option.quality, option.eightfold, option.precision, total, False, line)


def _options(
    works: Sequence[Work],
    targets: Sequence[Target],
    machine: Machine,
    model: str | Path | None,
    precision: PrecisionChoice,
    tile: int | None,
) -> list[_Option]:
    """Every way to do the work, each once."""
    bits = max((work.header.bits for work in works), default=8)
    made: dict[tuple[object, ...], _Option] = {}
    for quality in zoo.QUALITIES if model is None else (zoo.DEFAULT_QUALITY,):
        with Upscaler(model, quality=quality, eightfold=False, threads=machine.threads, tile=tile) as upscaler:
            clean, restoring = upscaler.choose.clean, upscaler.choose.restoring
            plans = [
                (plan, work)
                for work in works
                for plan in upscaler.plans(work.header.size, targets, restoring if work.restore else clean)
            ]
        both = (zoo.candidates(model, quality=quality, restore=restore) for restore in (False, True))
        passes = _pixels(plans, {zoo.card(one).name: str(one) for models in both for one in models.values()})
        sure = restoring is clean or not passes or all(work.restore is not None for work in works)
        names = [name for name, _ in passes]
        common = [set(machine.precisions(name, bits=bits)) for name in names]
        possible: list[Precision] = [one for one in ("fp32", "bf16", "int8") if all(one in some for some in common)]
        if precision != "auto":
            possible = [precision]
        for one in possible:
            differ = sum(not zoo.card(name).symmetric for name in names) / max(1, len(names))
            for fold in (False, True) if differ else (False,):
                quality_db = sum(_decibels(name, one) for name in names) / max(1, len(names))
                option = _Option(quality, fold, one, passes, quality_db + fold * differ * _EIGHTFOLD_DB, sure)
                made.setdefault((passes, fold, one), option)
    return list(made.values())


def _pixels(plans: Sequence[tuple[Plan, Work]], sources: Mapping[str, str]) -> tuple[tuple[str, int], ...]:
    """Models and how many pixels go through each, over all plans: once more for alpha, which may be opaque.

    `sources` are names or paths of models, by the names on their cards.
    """
    found: dict[str, int] = {}
    for plan, work in plans:
        often = work.header.frames * (2 if work.header.alpha else 1)
        for step in plan.passes:
            source = sources[step.model.name]
            found[source] = found.get(source, 0) + step.computed * often
    return tuple(found.items())


def _decibels(model: str, precision: Precision) -> float:
    """Quality of a model: mean PSNR over the sets that its card has scores of."""
    card = zoo.card(model)
    scores = card.scores if precision == "int8" or not card.float_scores else card.float_scores
    mean = sum(score.psnr for score in scores.values()) / max(1, len(scores))
    return mean - _LOSS_DB[precision]


def _seconds(option: _Option, machine: Machine, *, measure: bool) -> float | None:
    """Time of an option's networks; not to be measured: from what is known, by multiply-adds; None: nothing is."""
    total = 0.0
    for model, pixels in option.passes:
        one = machine.measure(model, option.precision).seconds if measure else _guess(model, option.precision, machine)
        if one is None:
            return None
        often = FOLD if option.eightfold and not zoo.card(model).symmetric else 1
        total += one * pixels * often + _LOAD_S
    return total * _MARGIN


def _guess(model: str, precision: Precision, machine: Machine) -> float | None:
    """Seconds for one pixel, known or extrapolated from the network nearest in size, in the nearest arithmetic."""
    known = machine.known(model, precision)
    if known is not None:
        return known
    line = (zoo.default_models(quality, restore=restore) for quality in zoo.QUALITIES for restore in (False, True))
    found = []
    for name in sorted({model, *(name for models in line for name in models.values())}):
        larger = max(1, zoo.card(model).work) / max(1, zoo.card(name).work)
        for other in machine.precisions(name):
            slower = nominal_gflops(other) / nominal_gflops(precision)
            one = machine.known(name, other)
            if one is not None:
                found.append((abs(math.log(larger)), abs(math.log(slower)), one * larger * slower))
    return min(found)[2] if found else None


def _coding_seconds(works: Sequence[Work], targets: Sequence[Target]) -> float:
    """Time to read all pictures and to write all results, by coding small pictures of two sizes in each format."""
    writing: dict[str, float] = {}
    reading: dict[str, float] = {}
    for work in works:
        sizes = [target.size_for(work.header.size) for target in targets]
        for size, name in zip(sizes, work.formats, strict=True):
            if name is not None:
                writing[name] = writing.get(name, 0.0) + size.pixels * work.header.frames
        if any(work.formats):
            pixels = work.header.size.pixels * work.header.frames
            reading[work.header.format] = reading.get(work.header.format, 0.0) + pixels
    total = 0.0
    pictures = [Picture(scene(side)) for side in _CODED_SIDES]
    pixels = pictures[1].size.pixels - pictures[0].size.pixels
    with tempfile.TemporaryDirectory() as folder:
        for name in {*writing, *reading}:
            path = Path(folder) / f"picture.{name}"
            try:
                _coded(pictures[0], path, name)  # the first time coders are loaded
                small, large = (_coded(picture, path, name) for picture in pictures)
            except OutputError:
                continue  # a format that is only read
            written, read = (max(0.0, more - less) / pixels for less, more in zip(small, large, strict=True))
            total += writing.get(name, 0.0) * written + reading.get(name, 0.0) * read
    return total


def _coded(picture: Picture, path: Path, name: str) -> tuple[float, float]:
    """Seconds to write a picture and to read it again."""
    started = time.perf_counter()
    image.write(picture, path, format=name, overwrite=True)
    written = time.perf_counter()
    image.read(path)
    return written - started, time.perf_counter() - written


def _told(seconds: float) -> str:
    """``0.34 s``, ``12 s``, ``3.5 min``, ``1.5 h``."""
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    if minutes < 90:
        return f"{minutes:.3g} min"
    return f"{minutes / 60:.3g} h" if minutes < 6000 else f"{minutes / 60:,.0f} h"
