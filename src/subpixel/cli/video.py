"""`subpixel upscale` for films: the words turned into calls of `subpixel.video`, and what is shown meanwhile."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

from subpixel.cli.display import seconds_text
from subpixel.cli.start import stop_if_asked
from subpixel.errors import EngineError, ModelError, SettingError, SubpixelError

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from subpixel.plan import Target
    from subpixel.upscaler import Upscaler
    from subpixel.video import Film, FilmResult, Progress, Wishes

_SUFFIXES: Final = frozenset((
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".m2v", ".ts", ".m2ts", ".mts", ".vob", ".wmv",
    ".asf", ".flv", ".f4v", ".3gp", ".3g2", ".ogv", ".mxf", ".dv", ".rm", ".rmvb", ".y4m",
))  # fmt: skip
_PATIENCE: Final = 0.4  # seconds before a progress bar is worth drawing


def is_film(name: str) -> bool:
    """True for names of video files."""
    return Path(name).suffix.lower() in _SUFFIXES


@dataclass(frozen=True, slots=True)
class FilmWords:
    """Options for films alone, as they were typed; None or empty where they were not."""

    codec: str | None
    crf: float | None
    preset: str | None
    pixel_format: str | None
    start: str | None
    end: str | None
    deinterlace: str | None
    drop: str | None
    resume: bool

    @property
    def typed(self) -> str:
        """The first of them that was typed, empty where none was."""
        words = {
            "--codec": self.codec, "--crf": self.crf, "--preset": self.preset, "--pixel-format": self.pixel_format,
            "--from": self.start, "--to": self.end, "--deinterlace": self.deinterlace, "--drop": self.drop,
            "--resume": self.resume or None,
        }  # fmt: skip
        return next((word for word, value in words.items() if value is not None), "")

    def check(
        self,
        films: Sequence[str],
        *,
        within: str | None,
        format: str | None,
        file_quality: int | None,
        lossless: bool | None,
    ) -> None:
        """Raise SettingError where an option is for the other kind of input."""
        if not films:
            if self.typed:
                raise SettingError(f"{self.typed} was given", "it is for videos, and no input is one")
            return
        for word, value, hint in (
            ("--within", within, "give --quality fast, balanced or best"),
            ("--format", format, "the suffix of -o chooses the container, --codec how it is coded"),
            ("--file-quality", file_quality, "give --crf, smaller is better"),
            ("--lossless", lossless, "give --codec ffv1"),
        ):
            if value is not None:
                raise SettingError(f"{word} was given for the video {films[0]}", hint)

    def wishes(self, target: Target, quality: str | None, overwrite: bool) -> Wishes:
        """What is to be made of each film.

        Raises:
            SettingError: one that cannot be right.
        """
        from subpixel.video.encoding import Coding
        from subpixel.video.films import Wishes, parse_deinterlace
        from subpixel.video.oneline import span_of
        from subpixel.zoo import DEFAULT_QUALITY, QUALITIES

        worth = next((one for one in QUALITIES if one == quality), DEFAULT_QUALITY)
        return Wishes(
            target=target,
            coding=Coding(self.codec or "", self.crf, self.preset, self.pixel_format, worth),
            span=span_of(self.start, self.end),
            deinterlace=parse_deinterlace(self.deinterlace or "auto"),
            drop=_numbers(self.drop),
            overwrite=overwrite,
            resume=self.resume,
        )


def _numbers(text: str | None) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in (text or "").replace(",", " ").split())
    except ValueError:
        raise SettingError(f"the streams to drop are {text!r}", "give their numbers, as --drop 2,3") from None


@dataclass(frozen=True, slots=True)
class FilmJobs:
    """Films to make larger.

    Attributes:
        inputs: video files.
        output: file, folder or pattern to write to; None: beside each input.
        targets: factors or sizes, one result for each.
        words: options for films.
        quality: how much a better result is worth, as typed.
        overwrite: replace results that exist.
        plan: show what would be done, and do nothing.
    """

    inputs: Sequence[str]
    output: str | None
    targets: Sequence[Target]
    words: FilmWords
    quality: str | None
    overwrite: bool
    plan: bool

    def run(self, upscaler: Upscaler, *, quiet: bool, as_json: bool) -> list[SubpixelError]:
        """Make them, one after the other; returns what went wrong.

        Raises:
            ModelError, EngineError: as wrong for every other film.
        """
        from subpixel.cli.inputs import Naming, drop_folders, find_jobs, make_folder
        from subpixel.video import Film
        from subpixel.video.oneline import default_target

        naming = Naming(self.output, tuple(target.label for target in self.targets), None)
        failed: list[SubpixelError] = []
        with FilmDisplay(quiet=quiet, as_json=as_json) as display:
            for job in find_jobs([Path(name) for name in self.inputs], naming):
                if isinstance(job, tuple):
                    failed.append(job[1])
                    display.error(*job)
                    continue
                for path, target in zip(job.targets, self.targets, strict=True):
                    made: list[Path] = []
                    final = path
                    if self.output is None or path.suffix == job.source.suffix:  # nobody asked for this container
                        final = path.with_suffix(default_target(job.source, target, self.words.codec or "").suffix)
                    try:
                        wishes = self.words.wishes(target, self.quality, self.overwrite)
                        made = make_folder(final)
                        film = Film(job.source, final, upscaler, wishes)
                        if self.plan:
                            display.plan(film, upscaler)
                            drop_folders(made)
                            continue
                        display.begin(film)
                        display.result(film.make(progress=display.progress))
                    except KeyboardInterrupt:
                        display.stopped(final)
                        raise
                    except SubpixelError as error:
                        drop_folders(made)
                        stop_if_asked()
                        if isinstance(error, ModelError | EngineError):
                            raise
                        failed.append(error)
                        display.error(job.source, error)
        return failed


class FilmDisplay:
    """Shows how far a film is, and what has become of it.

    Args:
        quiet: show nothing but errors.
        as_json: one JSON object per result on standard output, errors included.
    """

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._quiet, self._json = quiet, as_json
        self._shown = not quiet and not as_json and sys.stderr is not None and sys.stderr.isatty()
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._label = ""
        self._started = time.monotonic()

    def __enter__(self) -> FilmDisplay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def begin(self, film: Film) -> None:
        """A film is begun; what its result will not have is said now."""
        self._label, self._started = film.clip.path.name, time.monotonic()
        for note in film.notes:
            self._say(f"{film.clip.path}  note: {note}")

    def progress(self, now: Progress) -> None:
        """Some frames are done."""
        if not self._shown or time.monotonic() - self._started < _PATIENCE:
            return
        if self._bar is None:
            self._bar, self._task = _made_bar(self._label)
        assert self._task is not None
        self._bar.update(self._task, completed=now.done, total=now.total, told=told(now))

    def result(self, result: FilmResult) -> None:
        """A film is whole."""
        self._end()
        if self._json:
            self._print(json.dumps(_row(result)))
            return
        took = seconds_text(result.clock.whole)
        speed = (result.frames - result.resumed) / result.clock.whole if result.clock.whole > 0 else 0.0
        again = f", {result.resumed} of them kept from before" if result.resumed else ""
        self._say(
            f"{result.source} → {result.target}  {result.before} → {result.after}, {result.frames} frames{again}, "
            f"{' + '.join(result.models) or 'resampling'}, {took} ({speed:.3g} frames/s), {size_text(result.bytes)}"
        )
        for note in result.notes:
            self._say(f"  note: {note}")

    def plan(self, film: Film, upscaler: Upscaler) -> None:
        """What would be done."""
        clip, encoder = film.clip, film.encoder
        frames = film.source().count
        seconds = film.seconds(upscaler)
        row = {
            "input": str(clip.path),
            "output": str(film.target),
            "from": [clip.size.width, clip.size.height],
            "size": [encoder.size.width, encoder.size.height],
            "frames": frames,
            "rate": float(clip.rate),
            "models": [step.model.name for step in film.plan.passes],
            "encoder": encoder.encoder,
            "format": encoder.format,
            "copied": [str(track) for track in film.copied],
            "notes": list(film.notes),
            "seconds": None if seconds is None else round(seconds, 1),
        }
        if self._json:
            self._print(json.dumps(row))
            return
        many = "an unknown number of frames" if frames is None else f"{frames} frames"
        self._print(f"{clip.path} → {film.target}  {clip.size} → {encoder.size}, {many} at {float(clip.rate):.4g}/s")
        self._print(f"  networks: {' + '.join(row['models']) or 'resampling'}")  # type: ignore[arg-type]
        self._print(f"  film: {clip.codec} {clip.format} → {encoder.encoder} {encoder.format}, {_options(film)}")
        self._print(f"  copied: {', '.join(map(str, film.copied)) or 'no other stream'}")
        for note in film.notes:
            self._print(f"  note: {note}")
        if seconds is not None:
            self._print(f"  time: about {seconds_text(seconds)} for the networks")

    def stopped(self, target: Path) -> None:
        """The user stopped the work."""
        from subpixel.video.journal import journal_of

        self._end()
        if journal_of(target).exists() and not self._quiet:
            print(
                f"subpixel: what is finished of {target} is kept: the same command with --resume goes on",
                file=sys.stderr,
            )

    def error(self, source: Path, error: SubpixelError) -> None:
        """A film failed."""
        self._end()
        if self._json:
            self._print(json.dumps({"input": str(source), "error": error.what, "hint": error.hint}))
        else:
            print(f"subpixel: {error}", file=sys.stderr)

    def _say(self, text: str) -> None:
        if not self._quiet and not self._json:
            self._print(text)

    def _print(self, text: str) -> None:
        print(text, flush=True)


def told(now: Progress) -> str:
    """``120 of 300 frames, 24.8/s, 7.3 s left, 4.1 MB``."""
    many = f"{now.done} frames" if now.total is None else f"{now.done} of {now.total} frames"
    left = "" if now.left is None else f", {seconds_text(now.left)} left"
    return f"{many}, {now.fps:.3g}/s{left}, {size_text(now.written)}"


def size_text(size: int) -> str:
    """``812 kB``, ``4.1 MB``, ``2.3 GB``."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size / 1e3:.0f} kB"


def _made_bar(label: str) -> tuple[Bar, TaskID]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TextColumn("{task.fields[told]}"),
        console=Console(stderr=True),
        transient=True,
    )
    bar.start()
    return bar, bar.add_task(label, total=None, told="")


def _options(film: Film) -> str:
    return ", ".join(f"{name} {value}" for name, value in film.encoder.options) or "lossless"


def _row(result: FilmResult) -> dict[str, object]:
    clock = result.clock
    return {
        "input": str(result.source),
        "output": str(result.target),
        "from": [result.before.width, result.before.height],
        "size": [result.after.width, result.after.height],
        "frames": result.frames,
        "resumed": result.resumed,
        "models": list(result.models),
        "encoder": result.encoder,
        "bytes": result.bytes,
        "reused": round(result.reused, 4),
        "notes": list(result.notes),
        "seconds": {
            "total": round(clock.whole, 4),
            "read": round(clock.read, 4),
            "run": round(clock.enlarge, 4),
            "write": round(clock.write, 4),
        },
    }
