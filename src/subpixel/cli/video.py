"""`subpixel upscale` for films: the words turned into calls of `subpixel.video`, and what is shown meanwhile."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

from subpixel.cli.display import seconds_text
from subpixel.cli.filmwords import FilmWords, is_pattern
from subpixel.cli.start import stop_if_asked
from subpixel.errors import EngineError, ModelError, SettingError, SubpixelError

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from subpixel.cli.inputs import Job
    from subpixel.plan import Target
    from subpixel.upscaler import Upscaler
    from subpixel.video import Film, FilmResult, Progress
    from subpixel.video.pictured import PictureFilm
    from subpixel.video.preview import Preview

_PATIENCE: Final = 0.4  # seconds before a progress bar is worth drawing


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
        from subpixel.cli.inputs import drop_folders, make_folder

        failed: list[SubpixelError] = []
        with FilmDisplay(quiet=quiet, as_json=as_json) as display:
            for job in self._jobs():
                if isinstance(job, tuple):
                    failed.append(job[1])
                    display.error(*job)
                    continue
                for path, target in zip(job.targets, self.targets, strict=True):
                    final = self._final(job.source, path, target)
                    made: list[Path] = []
                    try:
                        made = make_folder(final)
                        self._one(job.source, final, target, upscaler, display)
                    except KeyboardInterrupt:
                        display.stopped(final)
                        raise
                    except SubpixelError as error:
                        stop_if_asked()
                        if isinstance(error, ModelError | EngineError):
                            raise
                        failed.append(error)
                        display.error(job.source, error)
                    finally:
                        drop_folders(made)  # as far as they are empty
        return failed

    def _jobs(self) -> Iterator[Job | tuple[Path, SubpixelError]]:
        """What is read and written; numbered pictures are no file that could be looked for."""
        from subpixel.cli.inputs import Job, Naming, find_jobs

        naming = Naming(self.output, tuple(target.label for target in self.targets), None)
        files = [Path(name) for name in self.inputs if not is_pattern(name)]
        if files:
            yield from find_jobs(files, naming)
        for name in self.inputs:
            if not is_pattern(name):
                continue
            source = Path(name)
            if self.output is None:
                yield Job(source, naming.beside(source))
            elif naming.is_pattern:
                yield Job(source, naming.filled(source.stem, source))
            elif len(self.targets) > 1:
                raise SettingError(f"{self.output} is one name, for {len(self.targets)} sizes", "put {scale} into it")
            else:
                yield Job(source, (Path(self.output),))

    def _final(self, source: Path, path: Path, target: Target) -> Path:
        """The file to write, in a container that can be written where nobody asked for one."""
        from subpixel.video.oneline import default_target

        if self.output is None:
            return default_target(source, target, self.words.codec or "")
        chosen = path == Path(self.output) or "{" in self.output
        return path if chosen else path.with_suffix(default_target(source, target, self.words.codec or "").suffix)

    def _one(self, source: Path, final: Path, target: Target, upscaler: Upscaler, display: FilmDisplay) -> None:
        """Make one result, its preview, or its plan."""
        from subpixel.video.oneline import open_film
        from subpixel.video.pictured import is_pictures
        from subpixel.video.preview import preview

        wishes, rate = self.words.wishes(target, self.quality, self.overwrite), self.words.exact_rate
        if self.words.preview and not self.plan:
            if is_pictures(source) or is_pictures(final):
                raise SettingError("--preview was given for pictures", "it is for video files; leave it out")
            display.begin(source)
            shown = preview(source, final, upscaler, wishes, progress=display.progress)
            display.result(shown.film, shown)
            return
        film = open_film(source, final, upscaler, wishes, rate)
        if self.plan:
            display.plan(source, film, upscaler)
            return
        display.begin(source, film.notes)
        display.result(film.make(progress=display.progress))


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
        self._told: tuple[str, ...] = ()
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

    def begin(self, source: Path, notes: Sequence[str] = ()) -> None:
        """A film is begun; what its result will not have is said now."""
        self._label, self._started, self._told = source.name, time.monotonic(), tuple(notes)
        for note in notes:
            self._say(f"{source}  note: {note}")

    def progress(self, now: Progress) -> None:
        """Some frames are done."""
        if not self._shown or time.monotonic() - self._started < _PATIENCE:
            return
        if self._bar is None:
            self._bar, self._task = _made_bar(self._label)
        assert self._task is not None
        self._bar.update(self._task, completed=now.done, total=now.total, told=told(now))

    def result(self, result: FilmResult, preview: Preview | None = None) -> None:
        """A film is whole, or its preview."""
        self._end()
        if self._json:
            whole = {} if preview is None else {"whole": {"frames": preview.frames, "seconds": preview.seconds}}
            self._print(json.dumps({**_row(result), **whole}))
            return
        from subpixel.video.health import frames_text

        took = seconds_text(result.clock.whole)
        speed = (result.frames - result.resumed) / result.clock.whole if result.clock.whole > 0 else 0.0
        again = f", {result.resumed} of them kept from before" if result.resumed else ""
        many = f"{frames_text(result.frames)}{again}"
        self._say(
            f"{result.source} → {result.target}  {result.before} → {result.after}, {many}, "
            f"{' + '.join(result.models) or 'resampling'}, {took} ({speed:.3g} frames/s), {size_text(result.bytes)}"
        )
        for note in result.notes:
            if note not in self._told:
                self._say(f"  note: {note}")
        if preview is not None and preview.seconds is not None:
            self._say(f"  the whole, {frames_text(preview.frames or 0)}, takes about {seconds_text(preview.seconds)}")

    def plan(self, source: Path, film: Film | PictureFilm, upscaler: Upscaler) -> None:
        """What would be done."""
        from subpixel.cli.filmplan import plan_lines, plan_row

        if self._json:
            self._print(json.dumps(plan_row(source, film, upscaler)))
        else:
            for line in plan_lines(source, film, upscaler):
                self._print(line)

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
