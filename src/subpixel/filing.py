"""The files that one picture's results go to: checked before the work, and all whole before any takes its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TypeAlias

from subpixel import image
from subpixel.errors import SettingError
from subpixel.image.room import check_room, least_bytes
from subpixel.image.writing import Encoded, Encoder
from subpixel.pipeline import Receiver
from subpixel.plan import Target
from subpixel.results import FileResult, Sent, Timings, Upscaled
from subpixel.types import Picture, PictureLike, Pixels, Size, empty_pixels

Source: TypeAlias = Picture | image.PictureStream
"""A picture in memory, or one that is read in strips."""

Runs: TypeAlias = Callable[[Source, Receiver], Iterable[tuple[Upscaled | Sent, ...]]]
"""Starts the runs of the networks on a picture; the receiver gets the rows of those results that it takes."""

Settling: TypeAlias = Callable[[Sequence[Encoded]], None]
"""Told of the results of a picture when all are whole, before any gets its name."""


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
        pyramid: TIFF in tiles with smaller copies inside; None: as its size asks for.
    """

    paths: Sequence[str | Path]
    targets: Sequence[Target]
    format: str | None = None
    quality: int | None = None
    lossless: bool | None = None
    overwrite: bool = False
    pyramid: bool | None = None

    def make(
        self, source: str | Path, runs: Runs, *, pixel_limit: int | None = None, settling: Settling | None = None
    ) -> tuple[FileResult, ...]:
        """Read a picture file, run the networks on it and write what they give; see `write` and `Upscaler.files`.

        Args:
            source: the picture file.
            runs: starts the runs of the networks.
            pixel_limit: largest number of pixels read; None for the default.
            settling: see `write`.
        """
        limit = image.DEFAULT_PIXEL_LIMIT if pixel_limit is None else pixel_limit
        self.check()

        def once(tolerant: str | None) -> tuple[FileResult, ...]:
            started = perf_counter()
            scratch = Path(self.paths[0]).resolve().parent
            picture = image.open_picture(source, pixel_limit=limit, scratch=scratch, tolerant=tolerant)
            with picture if isinstance(picture, image.PictureStream) else nullcontext():
                self.check(picture)
                reading = perf_counter() - started
                return self.write(source, picture, runs, reading=reading, settling=settling)

        try:
            return once(None)
        except image.PictureDamaged as damaged:  # told when some of the result was made already: from the top again
            return once(damaged.hint)

    def check(self, picture: PictureLike | None = None) -> None:
        """Find out before the work whether everything could be written, as far as that is known without the picture.

        Raises:
            SettingError: not one file for each target, or one file for two of them.
            OutputError: a file exists, or cannot be written, or the disk is too full for what is surely needed.
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
        if picture is not None:
            self._check_room(picture)

    def _check_room(self, picture: PictureLike) -> None:
        needs = []
        for path, target in zip(self.paths, self.targets, strict=True):
            row = image.choose_format(path, self._format(path, picture))
            needs.append((path, least_bytes(row, target.size_for(picture.size), picture)))
        check_room(needs)

    def _names_format(self, path: str | Path) -> bool:
        return self.format is not None or bool(Path(path).suffix)

    def _format(self, path: str | Path, picture: PictureLike) -> str | None:
        return self.format if self._names_format(path) else picture.metadata.format

    def write(
        self, source: str | Path, picture: Source, runs: Runs, *, reading: float, settling: Settling | None = None
    ) -> tuple[FileResult, ...]:
        """Write what `runs` give, rows or whole results as soon as they are computed, then give all their names.

        Args:
            source: where the picture came from.
            picture: the picture.
            runs: starts the runs of the networks, and gives the results of each.
            reading: seconds that reading took.
            settling: what it raises ends the work, and no result is left.

        Returns:
            One for each of `paths`, in that order.

        Raises:
            OutputError: a file cannot be written; no new one is left then.
        """
        rows: dict[int, FileResult] = {}
        last = 0
        with ExitStack() as stack:
            files = _Files(self, picture, stack)
            coded: list[Encoded] = []
            for run in runs(picture, files):
                first: Path | None = None
                for made in run:
                    spent = made.timings
                    for index in files.of(made.size):
                        path, started = Path(self.paths[index]), perf_counter()
                        coded.append(files.coded(index, made))
                        rows[index] = FileResult(
                            Path(source),
                            path,
                            picture.size,
                            made.size,
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
            if settling is not None:
                settling(coded)
            image.settle_all(coded)
            times = rows[last].timings
            times = replace(times, write=times.write + perf_counter() - started)
            rows[last] = replace(rows[last], timings=times)
        return tuple(rows[index] for index in range(len(self.paths)))

    def takes_rows(self, index: int, picture: PictureLike) -> bool:
        """Whether that file can be coded while its rows are being made."""
        path = self.paths[index]
        return image.takes_rows(picture, path, format=self._format(path, picture))

    def encoding(self, index: int, picture: PictureLike, size: Size) -> AbstractContextManager[Encoder]:
        """That file, coded from rows."""
        path = self.paths[index]
        return image.encoding(
            picture,
            size,
            path,
            format=self._format(path, picture),
            quality=self.quality,
            lossless=self.lossless,
            pyramid=self.pyramid,
            overwrite=self.overwrite,
        )

    def encoded(self, index: int, picture: PictureLike, result: Picture) -> AbstractContextManager[Encoded]:
        """That file, coded from the whole result."""
        path = self.paths[index]
        return image.encoded(
            result,
            path,
            format=self._format(path, picture),
            quality=self.quality,
            lossless=self.lossless,
            pyramid=self.pyramid,
            overwrite=self.overwrite,
        )


class _Files:
    """The files of one picture while they are made, by their index in `Outputs.paths`; see `Receiver`."""

    def __init__(self, outputs: Outputs, picture: PictureLike, stack: ExitStack) -> None:
        self._outputs = outputs
        self._picture = picture
        self._stack = stack
        self._sizes = [target.size_for(picture.size) for target in outputs.targets]
        self._encoders: dict[int, Encoder] = {}

    def of(self, size: Size) -> list[int]:
        """The files of that size."""
        return [index for index, one in enumerate(self._sizes) if one == size]

    def takes(self, size: Size) -> bool:
        """See `Receiver`."""
        return all(self._outputs.takes_rows(index, self._picture) for index in self.of(size))

    def opened(self, size: Size) -> _Rows:
        """See `Receiver`."""
        for index in self.of(size):
            encoding = self._outputs.encoding(index, self._picture, size)
            self._encoders[index] = self._stack.enter_context(encoding)
        return _Rows(size.width, self._picture, [self._encoders[index] for index in self.of(size)])

    def coded(self, index: int, made: Upscaled | Sent) -> Encoded:
        """That file, whole."""
        if isinstance(made, Sent):
            return self._encoders[index].finish()
        return self._stack.enter_context(self._outputs.encoded(index, self._picture, made.picture))


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one result on their way to its files; see `Into`."""

    width: int
    picture: PictureLike
    encoders: Sequence[Encoder]

    def room(self, start: int, stop: int) -> Pixels:
        """See `Into`."""
        return empty_pixels((stop - start, self.width, self.picture.channels), self.picture.bits)

    def full(self, rows: Pixels) -> None:
        """See `Into`."""
        for encoder in self.encoders:
            encoder.put(rows)
