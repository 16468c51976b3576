"""Films: how fast they are made beside FFmpeg's own scaling, where the time goes, and what reuse of tiles brings.

    python benchmarks/video.py                  # everything
    python benchmarks/video.py --only speed     # or parts, reuse, recipes

The clips are drawn by `video_clips.py`, 640×360 at 25 frames per second, H.264. All are made 1920×1080, from file to
file, on two cores, decoding, encoding and everything between included. FFmpeg's bicubic scaling (libswscale) takes the
place of the networks and of nothing else: the same decoder, encoder settings and queues. See README.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import video_clips
from av.video.codeccontext import VideoCodecContext
from report import command_line, machine_class, run_command, table, versions, write_section

from subpixel import Upscaler
from subpixel.plan import Target
from subpixel.types import Quality
from subpixel.video.conversion import to_frame, to_planes
from subpixel.video.encoding import Coding
from subpixel.video.films import Film, FilmResult, Wishes
from subpixel.video.frames import FrameUpscaler
from subpixel.video.planes import Frame, Planes

MODEL = "swift-x3"
SCALE = 3
THREADS = 2
PRESETS = ("ultrafast", "superfast", "veryfast")
_REST = 0.2  # seconds until the threads of the one before have gone to sleep


class Bicubic(Film):
    """The same film by FFmpeg's bicubic scaling."""

    def _enlarge(self, frame: Frame) -> Frame:
        assert isinstance(frame, Planes)
        size, tags, name = self.encoder.size, self.encoder.tags, self.encoder.format
        small = to_frame(frame, name, frame.size, tags)
        large = small.reformat(size.width, size.height, interpolation="BICUBIC", threads=THREADS)
        return to_planes(large, name, size, tags, frame.siting)


@dataclass(frozen=True, slots=True)
class Clips:
    """A folder with the clips in it."""

    folder: Path
    frames: int

    def path(self, name: str) -> Path:
        """A clip; drawn when it is first asked for."""
        path = self.folder / f"{name.replace(' ', '-')}.mp4"
        if not path.exists():
            video_clips.write(name, self.frames, path)
        return path


def make(kind: type[Film], source: Path, upscaler: Upscaler, preset: str, *, reuse: bool = True) -> FilmResult:
    """One film, from file to file."""
    wishes = Wishes(Target(SCALE), Coding(preset=preset), overwrite=True, reuse=reuse)
    return kind(source, source.with_name("made.mp4"), upscaler, wishes).make()


class Others:
    """How much of the cores other programs took meanwhile, by Linux's count."""

    def __init__(self) -> None:
        self._began = self._now()

    @staticmethod
    def _now() -> tuple[float, float]:
        stat = Path("/proc/stat")
        if not stat.exists():
            return 0.0, perf_counter()
        ticks = [int(word) for word in stat.read_text().split("\n", 1)[0].split()[1:9]]
        return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK") - process_time(), perf_counter()

    def __str__(self) -> str:
        busy, now = self._now()
        share = (busy - self._began[0]) / ((now - self._began[1]) * (os.cpu_count() or 1))
        return f"Other programs took {max(share, 0):.0%} of the cores meanwhile."


def rounds_of(count: int, systems: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Seconds of each system in each round; they take turns, forward in one round and backward in the next."""
    taken: dict[str, list[float]] = {name: [] for name in systems}
    for index in range(count):
        names = list(systems)
        for name in names if index % 2 == 0 else reversed(names):
            time.sleep(_REST)
            taken[name].append(systems[name]())
            print(f"{name}: {taken[name][-1]:.3f} s", file=sys.stderr, flush=True)
    return taken


def speed(clips: Clips, upscaler: Upscaler, rounds: int, presets: list[str]) -> str:
    """Frames per second of a filmed clip, and the ratio to bicubic scaling."""
    source = clips.path("filmed")
    make(Film, source, upscaler, PRESETS[0])  # loads the network
    rows = []
    for preset in presets:
        taken = rounds_of(
            rounds,
            {
                "ours": lambda preset=preset: make(Film, source, upscaler, preset).clock.whole,
                "bicubic": lambda preset=preset: make(Bicubic, source, upscaler, preset).clock.whole,
            },
        )
        ratio = median(one / other for one, other in zip(taken["ours"], taken["bicubic"], strict=True))
        ours, bicubic = (clips.frames / median(taken[name]) for name in ("ours", "bicubic"))
        rows.append([f"x264 {preset}", f"{ours:.1f}", f"{bicubic:.1f}", f"{ratio:.2f}"])
    heads = ["encoder", f"frames/s, {MODEL}", "frames/s, bicubic", "times as long"]
    return (
        f"A moving photograph with grain, {clips.frames} frames, no part of which comes twice; CRF 18. Medians of "
        f"{rounds} alternating rounds, ratios taken round by round.\n\n{table(heads, rows)}"
    )


def parts(clips: Clips, upscaler: Upscaler) -> str:
    """Processor time per frame of each part, one after the other."""
    rows = []
    for name in ("filmed", "screen recording"):
        film = Film(clips.path(name), clips.folder / "made.mp4", upscaler, Wishes(Target(SCALE), overwrite=True))
        encoders = {preset: _encoder(film, preset) for preset in PRESETS}
        spent = dict.fromkeys(("decoding", "enlarging", "copying", *PRESETS), 0.0)
        started = process_time()
        frames = [timed for timed in film.source().frames() if timed is not None]
        spent["decoding"] = process_time() - started
        with FrameUpscaler(upscaler, Target(SCALE)) as enlarger:
            enlarger.upscale(frames[0].frame)  # loads the network
            enlarger.forget()
            for index, timed in enumerate(frames):
                started = process_time()
                made = enlarger.upscale(timed.frame)
                spent["enlarging"] += process_time() - started
                assert isinstance(made, Planes)
                started = process_time()
                coded = to_frame(made, film.encoder.format, film.encoder.size, film.encoder.tags)
                coded.pts = index
                spent["copying"] += process_time() - started
                for preset, encoder in encoders.items():
                    started = process_time()
                    encoder.encode(coded)
                    spent[preset] += process_time() - started
        for preset, encoder in encoders.items():
            started = process_time()
            encoder.encode(None)
            spent[preset] += process_time() - started
        columns = [spent[part] for part in ("decoding", "enlarging", "copying", *PRESETS)]
        rows.append([name, *(f"{1e3 * seconds / len(frames):.1f}" for seconds in columns)])
    heads = ["ms per frame", "decoding", "network and chroma", "copy to encoder", *(f"x264 {p}" for p in PRESETS)]
    said = "Processor time, the parts run one after the other. Two cores have 80 ms for a frame at 25 frames/s."
    return f"{said}\n\n{table(heads, rows)}"


def _encoder(film: Film, preset: str) -> VideoCodecContext:
    """The film's encoder in one thread, so that its time is its own."""
    options = tuple({**dict(film.encoder.options), "preset": preset}.items())
    return replace(film.encoder, options=options, threads=1).open()


def reuse(clips: Clips, upscaler: Upscaler, rounds: int) -> str:
    """What taking unchanged parts from the frame before brings, by kind of film."""
    rows = []
    for name in video_clips.CLIPS:
        source, shares = clips.path(name), []

        def film(on: bool, source: Path = source, shares: list[float] = shares) -> float:
            started = perf_counter()
            result = make(Film, source, upscaler, PRESETS[1], reuse=on)
            if on:
                shares.append(result.reused)
            return perf_counter() - started

        taken = rounds_of(rounds, {"with": lambda film=film: film(True), "without": lambda film=film: film(False)})
        gain = median(one / other for one, other in zip(taken["without"], taken["with"], strict=True))
        fps = [f"{clips.frames / median(taken[kind]):.1f}" for kind in ("with", "without")]
        rows.append([name, f"{shares[0]:.0%}", *fps, f"{gain:.2f}"])
    heads = ["clip", "reused", "frames/s with reuse", "without", "times as fast"]
    return (
        f"x264 {PRESETS[1]}, CRF 18; medians of {rounds} alternating rounds. The films are equal, bit for bit.\n\n"
        + table(heads, rows)
    )


@dataclass(frozen=True, slots=True)
class Recipe:
    """One of docs/how-to/videos.md: a film of that kind, and what is asked for."""

    name: str
    clip: str
    size: tuple[int, int]
    scale: float
    options: str
    quality: Quality
    restore: bool | None = None
    fields: bool = False
    frames: int = 16


RECIPES = (
    Recipe("family film, 720×576, interlaced", "filmed", (720, 576), 2, "--scale 2 --restore", "balanced", True, True),
    Recipe(
        "screen recording, 960×540", "screen recording", (960, 540), 2, "--scale 2 --quality fast", "fast", frames=60
    ),
    Recipe("game capture, 640×360", "filmed", (640, 360), 3, "--scale 3 --quality fast", "fast", frames=50),
    Recipe("game capture, 1280×720", "filmed", (1280, 720), 3, "--scale 3 --quality fast", "fast"),
    Recipe("cartoon, 640×360", "cartoon", (640, 360), 3, "--scale 3", "balanced", frames=50),
    Recipe("any film, 640×360", "filmed", (640, 360), 3, "--scale 3", "balanced"),
    Recipe("any film, 640×360", "filmed", (640, 360), 3, "--scale 3 --quality best", "best", frames=3),
)


def recipes(folder: Path, numbers: list[int]) -> str:
    """What the how-to page's recipes cost."""
    rows = []
    for index in numbers:
        one = RECIPES[index]
        source = folder / f"recipe-{index}.mp4"
        if not source.exists():
            width, height = one.size
            video_clips.write(one.clip, one.frames, source, width=width, height=height, fields=one.fields)
        wishes = Wishes(Target(one.scale), Coding(quality=one.quality), overwrite=True)
        with Upscaler(quality=one.quality, restore=one.restore, threads=THREADS) as upscaler:
            taken = []
            for _ in range(2):  # the first one loads the networks
                result = Film(source, folder / "made.mp4", upscaler, wishes).make()
                taken.append(result.clock.whole / result.frames)
        minutes = 60 * min(taken) * video_clips.RATE  # an hour has 60 times 60 of them, a minute 60 seconds
        rows.append(
            [
                one.name,
                f"`{one.options}`",
                " + ".join(result.models),
                str(result.after),
                f"{1 / min(taken):.1f}",
                f"{minutes:.0f}",
            ]
        )
    heads = ["film", "options", "network", "result", "frames/s", "minutes for an hour at 25 frames/s"]
    return table(heads, rows, text_columns=4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", choices=["speed", "parts", "reuse", "recipes"], help="measure and write one table alone"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=75, help="length of the clips")
    parser.add_argument("--recipes", nargs="+", type=int, default=list(range(len(RECIPES))), help="numbers of recipes")
    parser.add_argument("--presets", nargs="+", default=list(PRESETS), help="of x264, for the first table")
    parser.add_argument("--clips", type=Path, help="folder to keep the clips in; drawn anew without it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, Upscaler(MODEL, threads=THREADS) as upscaler:
        folder = given.clips or Path(scratch)
        folder.mkdir(exist_ok=True)
        clips = Clips(folder, given.frames)
        tables: dict[str, tuple[str, Callable[[], str]]] = {
            "speed": ("Films: 640×360 to 1920×1080", lambda: speed(clips, upscaler, given.rounds, given.presets)),
            "parts": ("Films: where the time goes", lambda: parts(clips, upscaler)),
            "recipes": ("Films: what the recipes cost", lambda: recipes(folder, given.recipes)),
            "reuse": ("Films: what does not change", lambda: reuse(clips, upscaler, given.rounds)),
        }
        for key, (title, measure) in tables.items():
            if given.only in (None, key):
                others = Others()
                body = f"{measure()}\n\n{others}"
                head = f"Command: `{command_line(['--clips'])}`\n\nMachine: {machine_class(THREADS)}. "
                write_section(title, f"{head}{versions('subpixel', 'openvino', 'av')}.\n\n{body}")
                print(f"{title}\n\n{body}\n", flush=True)


if __name__ == "__main__":
    run_command(main)
