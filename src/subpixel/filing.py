"""The files that one picture's results go to: checked before the work, and all whole before any takes its name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from subpixel import image
from subpixel.errors import SettingError
from subpixel.image.writing import Encoded
from subpixel.plan import Target
from subpixel.results import FileResult, Timings, Upscaled
from subpixel.types import Picture


@dataclass(frozen=True, slots=True)
class Outputs:
    """Files to write, one for each of `targets`.

    Attributes:
        paths: the files; a suffix chooses the format unless `format` does.
        targets: factor or size of each.
        format: format of all, by name.
        quality: 1–100 for formats with loss.
        lossless: for formats that have both.
        overwrite: replace existing files.
    """

    paths: Sequence[str | Path]
    targets: Sequence[Target]
    format: str | None = None
    quality: int | None = None
    lossless: bool | None = None
    overwrite: bool = False

    def check(self, picture: Picture | None = None) -> None:
        """Find out before the work whether everything could be written, as far as that is known without the picture.

        Raises:
            SettingError: not one file for each target, or one file for two of them.
            OutputError: a file exists, or cannot be written.
        """
        if len(self.paths) != len(self.targets):
            raise SettingError(
                f"{len(self.paths)} output(s) for {len(self.targets)} result(s)", "give one file for each result"
            )
        seen: set[Path] = set()
        for path, target in zip(self.paths, self.targets, strict=True):
            if Path(path) in seen:
                raise SettingError(f"two results would be written to {path}", "give each a name of its own")
            seen.add(Path(path))
            if picture is None and not self._names_format(path):
                continue  # an output that exists is no reason to decode a large input
            image.check_target(
                path,
                format=self.format if picture is None else self._format(path, picture),
                size=None if picture is None else target.size_for(picture.size),
                lossless=self.lossless,
                overwrite=self.overwrite,
            )

    def _names_format(self, path: str | Path) -> bool:
        return self.format is not None or bool(Path(path).suffix)

    def _format(self, path: str | Path, picture: Picture) -> str | None:
        return self.format if self._names_format(path) else picture.metadata.format

    def write(
        self, source: str | Path, picture: Picture, runs: Iterable[tuple[Upscaled, ...]], *, reading: float
    ) -> tuple[FileResult, ...]:
        """Write what `runs` give, each result as soon as it is computed, then give all their names.

        Args:
            source: where the picture came from.
            picture: the picture.
            runs: the results of each run of the networks.
            reading: seconds that reading took.

        Returns:
            One for each of `paths`, in that order.

        Raises:
            OutputError: a file cannot be written; no new one is left then.
        """
        wanted = [target.size_for(picture.size) for target in self.targets]
        rows: dict[int, FileResult] = {}
        last = 0
        with ExitStack() as stack:
            coded: list[Encoded] = []
            for run in runs:
                first: Path | None = None
                for made in run:
                    spent = made.timings
                    for index in (index for index, size in enumerate(wanted) if size == made.picture.size):
                        path, started = Path(self.paths[index]), perf_counter()
                        coded.append(stack.enter_context(self._encoded(made.picture, self.paths[index], picture)))
                        rows[index] = FileResult(
                            Path(source),
                            path,
                            picture.size,
                            made.picture.size,
                            tuple(step.model.name for step in made.plan.passes),
                            (*picture.notes, *coded[-1].notes),
                            replace(spent, read=0.0 if rows else reading, write=perf_counter() - started),
                            first,
                            made.chosen,
                            made.precision,
                        )
                        first, spent, last = first or path, Timings(), index
                del run, made  # before the next ones are computed
            started = perf_counter()
            image.settle_all(coded)
            times = rows[last].timings
            times = replace(times, write=times.write + perf_counter() - started)
            rows[last] = replace(rows[last], timings=times)
        return tuple(rows[index] for index in range(len(self.paths)))

    def _encoded(self, result: Picture, path: str | Path, picture: Picture) -> AbstractContextManager[Encoded]:
        return image.encoded(
            result,
            path,
            format=self._format(path, picture),
            quality=self.quality,
            lossless=self.lossless,
            overwrite=self.overwrite,
        )
