"""Tiled, striped, side by side and batched: is every result the one computed in one piece?

    python -m tests.exactness.run --minutes 20

Takes every shipped model in every engine and precision in turn, each time with another picture, size, factor, tile,
number of threads and way, until the time is over. Fails where integer arithmetic or OpenVINO in fp32 differ at all in 8
bits, and where bf16 or another float engine differs by more than one step, or in more than one pixel in a million.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from subpixel import zoo
from tests.exactness.cases import WAYS, Apart, Case, Kind, apart, batched, cut, kinds, whole

SIDES = (1, 2, 3, 5, 17, 31, 64, 97, 127, 255, 301, 511, 777, 1023, 1501, 2049, 3001)
TILES = (16, 17, 23, 33, 64, 100, 192, 257, 384, 512)
WORK = 12e9  # multiply-adds of a case, about
MOST_STEPS = 1.0
MOST_SHARE = 1e-6


@dataclass(slots=True)
class Sum:
    """All cases of one engine and precision."""

    cases: int = 0
    pixels: int = 0
    differing: int = 0
    most: float = 0.0
    worst: str = ""
    models: set[str] = field(default_factory=set)

    def add(self, case: Case, found: Apart) -> None:
        """One more."""
        self.cases += 1
        self.pixels += found.pixels
        self.differing += found.differing
        self.models.add(case.kind.model)
        if found.most > self.most:
            self.most, self.worst = found.most, str(case)


def draw(kind: Kind, dice: np.random.Generator) -> Case:
    """A case of that kind, of a size that its work allows."""
    card = zoo.card(kind.model)
    factor = float(dice.choice([card.scale, card.scale, card.scale, 1.7, 2.5]))
    passes = 1 if factor <= card.scale else 1 + card.scale**2
    height = int(dice.choice(SIDES))
    room = max(1, int(WORK / max(card.work, 5000) / passes / height))
    widths = [side for side in SIDES if side <= room] or [1]
    width = int(dice.choice(widths[-8:] if dice.random() < 0.7 else widths))
    if dice.random() < 0.5:
        height, width = width, height
    tile = int(dice.choice(TILES))
    if height * width > 200_000:  # many small tiles take their time, and tell no more
        tile = max(tile, 100)
    return Case(
        kind,
        height,
        width,
        channels=int(dice.choice([1, 2, 3, 3, 3, 4])),
        bits=int(dice.choice([8, 8, 8, 16])),
        factor=factor,
        tile=tile,
        threads=int(dice.integers(1, 5)),
        way=str(dice.choice(WAYS)),
        seed=int(dice.integers(1, 1000)),
    )


def holds(kind: tuple[str, str], found: Sum) -> bool:
    """Whether an engine and precision keep what is promised."""
    engine, precision = kind
    if precision == "int8" or (engine == "openvino" and precision == "fp32"):
        return found.differing == 0
    return found.most <= MOST_STEPS and found.differing <= MOST_SHARE * max(found.pixels, 1 / MOST_SHARE)


def main() -> None:
    """Run until the time is over, and tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=20, help="how long (default: 20)")
    parser.add_argument("--seed", type=int, default=1, help="of the cases (default: 1)")
    parser.add_argument("--only", default="", help="only models whose names contain this")
    options = parser.parse_args()
    dice = np.random.default_rng(options.seed)
    every = [kind for kind in kinds() if options.only in kind.model]
    until = time.monotonic() + 60 * options.minutes
    sums: dict[tuple[str, str], Sum] = defaultdict(Sum)
    unlike: list[Kind] = []
    tried: set[Kind] = set()
    with tempfile.TemporaryDirectory() as name, suppress(KeyboardInterrupt):  # what was found so far is told
        while time.monotonic() < until:
            for index in dice.permutation(len(every)):
                if time.monotonic() >= until:
                    break
                kind = every[index]
                if kind not in tried and not batched(kind):
                    unlike.append(kind)
                tried.add(kind)
                for _ in range(3):  # compiling is what takes time
                    case = draw(kind, dice)
                    found = apart(cut(case, Path(name)), whole(case))
                    if found.differing:
                        print(f"{found.differing} of {found.pixels} pixels, {found.most:.3f} steps: {case}", flush=True)
                    sums[kind.engine, kind.precision].add(case, found)
    print(f"\n{sum(one.cases for one in sums.values())} cases, {len({kind.model for kind in every})} models\n")
    print("| engine | arithmetic | models | cases | megapixels | differing pixels | most, steps of 8 bits |")
    print("|---|---|--:|--:|--:|--:|--:|")
    for (engine, precision), one in sorted(sums.items()):
        row = (engine, precision, len(one.models), one.cases, f"{one.pixels / 1e6:.1f}", one.differing)
        print(f"| {' | '.join(map(str, row))} | {one.most:.3f} |")
    for kind in unlike:
        print(f"a batch of tiles differs from the tiles alone: {kind}")
    wrong = [kind for kind, one in sums.items() if not holds(kind, one)]
    for kind in wrong:
        print(f"{' '.join(kind)} does not hold: {sums[kind].worst}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
