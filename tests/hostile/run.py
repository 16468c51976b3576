"""Runs over the corpus in a process of its own, with its time and its memory watched.

python -m tests.hostile.run             all of it
python -m tests.hostile.run --every 20  a part, as the tests do
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.corpus import GOOD, write_corpus

LONGEST_S = 10.0
"""Of work for one file, with that for files beside it: by the processor's time, as other programs may compute too."""
WAITING_S = 120.0
"""By the clock: a file that only waits takes no processor's time."""
MOST_BYTES = 1_500_000_000
"""Of resident memory, the interpreter and all pictures under way included."""
_PIXELS = 20_000_000


@dataclass(frozen=True, slots=True)
class Found:
    """What became of the corpus.

    Attributes:
        files: how many there are.
        made: names that have a result.
        failed: names that have an error.
        slowest: seconds that the slowest took, and its name.
        peak: bytes of memory at most.
        wrong: everything that must not be.
    """

    files: int
    made: set[str]
    failed: set[str]
    slowest: tuple[float, str]
    peak: int
    wrong: list[str]


def examine(folder: Path, every: int = 1, longest: float = LONGEST_S) -> Found:
    """Make the corpus and run over it; what takes longer than `longest` seconds is wrong."""
    source, output = folder / "in", folder / "out"
    count = write_corpus(source, every)
    words = [sys.executable, "-m", "tests.hostile.run", "--child", str(source), str(output)]
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        wrong = [f"the process ended with {done.returncode}: {done.stderr[-2000:]}"]
        return Found(count, set(), set(), (0.0, ""), 0, wrong)
    row = json.loads(done.stdout.splitlines()[-1])
    made, failed = set(row["made"]), set(row["failed"])
    wrong = list(row["wrong"])
    if done.stderr:
        wrong.append(f"on standard error: {done.stderr[:500]}")
    if len(made) + len(failed) != count:
        wrong.append(f"{count} files, {len(made)} made and {len(failed)} failed")
    there = {
        str(path.relative_to(output)) for path in output.rglob("*") if path.is_file() and ".subpixel" not in path.parts
    }
    wrong += [f"no result of {name}, which was made" for name in sorted(made - there)]
    wrong += [f"a result of {name}, which failed" for name in sorted(there - made)]
    good = {str(path.relative_to(source)) for path in source.rglob(f"{GOOD}-*")}
    wrong += [f"{name} is whole, and was not made" for name in sorted(good - made)]
    slowest = tuple(row["slowest"])
    if slowest[0] > longest:
        wrong.append(f"{slowest[1]} took {slowest[0]:.1f} s")
    if row["peak"] > MOST_BYTES:
        wrong.append(f"{row['peak'] / 1e6:.0f} MB at the peak")
    return Found(count, made, failed, (slowest[0], slowest[1]), row["peak"], wrong)


def _child(source: Path, output: Path) -> None:
    """The run itself: everything is real but the network, which repeats pixels."""
    from subpixel import Upscaler, image
    from subpixel.batch import oneline, run
    from subpixel.batch.finding import Filters
    from subpixel.batch.folder import Folder
    from subpixel.batch.naming import Naming, PictureCoding
    from subpixel.errors import SubpixelError
    from subpixel.plan import Target

    faulthandler.enable()
    took: dict[str, float] = {}
    wrong: list[str] = []
    real = run.FolderRun._made

    def timed(self: run.FolderRun, work: run._Work) -> object:
        started, spent = time.perf_counter(), time.process_time()
        try:
            return real(self, work)
        finally:
            name, waited = str(work.job.source.relative_to(source)), time.perf_counter() - started
            took[name] = time.process_time() - spent
            if waited > WAITING_S:
                wrong.append(f"{name} took {waited:.0f} s by the clock")

    run.FolderRun._made = timed  # type: ignore[method-assign, assignment]
    folder = Folder(source, Naming(str(output), ("x2",), None), Filters())
    wanted = run.Wanted((Target(2),), PictureCoding(pixel_limit=_PIXELS))
    made: list[str] = []
    listener = run.Listener(made=lambda results: made.append(str(results[0].source.relative_to(source))))
    with Upscaler("espcn", engine="fake", threads=1) as upscaler:
        (report,) = oneline.run_folders([folder], upscaler, wanted, listener)
    for failure in report.failed:
        if not isinstance(failure.error, SubpixelError) or "mistake of subpixel" in str(failure.error):
            wrong.append(str(failure.error))
    for name in made:
        try:
            image.read(output / name)
        except SubpixelError as error:
            wrong.append(f"the result of {name} cannot be read: {error}")
    slowest = max((seconds, name) for name, seconds in took.items())
    peak = _peak()
    failed = [str(failure.source.relative_to(source)) for failure in report.failed]
    print(json.dumps({"made": made, "failed": failed, "slowest": slowest, "peak": peak, "wrong": wrong}))


def _peak() -> int:
    """Most bytes of memory that this process has held.

    Linux tells it of the process alone in its status; `getrusage` there counts what the process that started it held.
    """
    status = Path("/proc/self/status")
    if status.exists():
        kilobytes = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(kilobytes.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Examine everything, and tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--every", type=int, default=1, help="take one of so many damaged files (default: all)")
    parser.add_argument("--keep", type=Path, help="folder for the files (default: nowhere)")
    parser.add_argument("--child", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        _child(*options.child)
        return
    with tempfile.TemporaryDirectory() as name:
        started = time.perf_counter()
        found = examine(options.keep or Path(name), options.every)
        print(f"{found.files} files: {len(found.made)} made, {len(found.failed)} refused, ", end="")
        print(f"{time.perf_counter() - started:.0f} s; {found.peak / 1e6:.0f} MB at the peak; ", end="")
        print(f"the slowest, {found.slowest[1]}, took {found.slowest[0]:.2f} s")
    print(*found.wrong, sep="\n")
    sys.exit(1 if found.wrong else 0)


if __name__ == "__main__":
    main()
