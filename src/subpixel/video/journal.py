"""Finished segments of a film, kept beside the target until the film is whole: after any end of the program, however
sudden, the work goes on behind the last of them.

The folder ``NAME.journal`` holds one file of packets for each finished segment, and ``journal.jsonl``: a line that says
what is made of what, then a line for each segment, written when its packets are safely on the disk.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import struct
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

from subpixel.errors import OutputExists, OutputUnwritable, SettingError, SubpixelError
from subpixel.image.targets import lock_file, unwritable
from subpixel.video.health import Health, Place

_VERSION: Final = 2
_HEADER: Final = struct.Struct("<qq?I")  # pts, duration, key frame, bytes
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Coded:
    """A packet of the film.

    Attributes:
        pts: presentation timestamp, in the film's time base.
        duration: in the same unit.
        key: True where decoding can begin.
        data: what the encoder gave.
    """

    pts: int
    duration: int
    key: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Segment:
    """A finished segment.

    Attributes:
        frames: how many.
        delay: by how many places packets stand out of the order of presentation.
        bytes: size of its file.
        check: CRC-32 of its file.
        place: where in the source it ends; None where the source does not tell.
    """

    frames: int
    delay: int
    bytes: int
    check: int
    place: Place | None = None

    @staticmethod
    def read(line: str) -> Segment:
        """A line of the journal."""
        row = json.loads(line)
        place = row.pop("place", None)
        if place is not None:
            frames = tuple((pts, check) for pts, check in place["frames"])
            place = Place(frames, Health(**place["health"]))
        return Segment(**row, place=place)


@dataclass(frozen=True, slots=True)
class Origin:
    """What is made of what. A journal is good for exactly this.

    Attributes:
        source: name of the source.
        bytes: its size.
        changed: when it was last changed, nanoseconds.
        settings: everything that has a part in the result, as text.
    """

    source: str
    bytes: int
    changed: int
    settings: str


def journal_of(target: Path) -> Path:
    """The folder of a target's journal."""
    return target.with_name(f"{target.name}.journal")


class Journal:
    """The journal of one target.

    Args:
        target: the file that is to be made.
        origin: what is made of what.
    """

    def __init__(self, target: Path, origin: Origin) -> None:
        self.folder = journal_of(target)
        self.origin = origin
        self.segments: list[Segment] = []
        self._target = target
        self._file = self.folder / "journal.jsonl"
        self._held: IO[bytes] | None = None

    @property
    def frames(self) -> int:
        """Frames in finished segments."""
        return sum(segment.frames for segment in self.segments)

    @property
    def place(self) -> Place | None:
        """Where in the source the last finished segment ends."""
        return self.segments[-1].place if self.segments else None

    @property
    def bytes(self) -> int:
        """Size of finished segments."""
        return sum(segment.bytes for segment in self.segments)

    @property
    def packets_in_all(self) -> int:
        """Packets in finished segments."""
        return sum(len(self.order(index)) for index in range(len(self.segments)))

    @property
    def delay(self) -> int:
        """The most of all segments."""
        return max((segment.delay for segment in self.segments), default=0)

    def part(self, index: int) -> Path:
        """The file of a segment."""
        return self.folder / f"{index:06}.packets"

    @property
    def result(self) -> Path:
        """Where the whole film is put together before it takes its name."""
        return self.folder / f"whole{self._target.suffix}"

    def begin(self, *, resume: bool, overwrite: bool) -> None:
        """Start a journal, or go on with the one that is there.

        Args:
            resume: go on with one where there is one.
            overwrite: throw one away.

        Raises:
            OutputExists: there is one, and neither was asked for.
            SettingError: it was made from something else, or with other settings.
            OutputUnwritable: the folder cannot be made, or another run is at work on the same target.
        """
        try:
            self._hold()
            if self.folder.exists() and resume:
                self._read()
            elif self._file.exists() and not overwrite:
                there = Journal(self._target, self.origin)
                with contextlib.suppress(SettingError):
                    there._read()
                raise OutputExists(
                    f"{self._target} was begun before, {there.frames} frames of it are done",
                    "use --resume to go on with it, or --overwrite to begin again",
                )
            else:
                self.drop()
            if not self.segments:
                self.drop()
                self.folder.mkdir()
                self._append({"version": _VERSION, **asdict(self.origin)})
            self._hold()  # the file is another one now
        except OSError as error:
            self.release()
            raise unwritable(self._target, error) from error
        except SubpixelError:
            self.release()
            raise

    def _hold(self) -> None:
        """Keep other runs away from this journal, where the system has locks; they end with the program.

        Raises:
            OutputUnwritable: another run holds it.
        """
        self.release()
        if not self._file.exists():
            return
        self._held = self._file.open("rb")
        if not lock_file(self._held):
            self.release()
            raise OutputUnwritable(f"{self._target} is being made by another run", "wait for it, or end it")

    def release(self) -> None:
        """Let other runs at the journal."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def _read(self) -> None:
        """Take over what is finished, as far as it is whole."""
        try:
            lines = self._file.read_text(encoding="utf-8").split("\n")[:-1]  # a last line without its end is no line
        except FileNotFoundError:
            return
        if not lines:
            return
        first = json.loads(lines[0])
        if first.pop("version", None) != _VERSION or first != asdict(self.origin):
            raise SettingError(
                f"{self._target} was begun from another file or with other settings",
                "give the same ones with --resume, or --overwrite to begin again",
            )
        for index, line in enumerate(lines[1:]):
            segment = Segment.read(line)
            if not _is_whole(self.part(index), segment):
                break
            self.segments.append(segment)
        # What is not whole goes, and so do the lines about it.
        kept = "".join(f"{line}\n" for line in lines[: 1 + len(self.segments)])
        new = self._file.with_suffix(".new")
        new.write_text(kept, encoding="utf-8")
        new.replace(self._file)

    def add(self, segment: Segment) -> None:
        """A segment's file is whole, on the disk and has its name: remember it."""
        self.segments.append(segment)
        self._append(asdict(segment))

    def _append(self, row: dict[str, Any]) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def order(self, index: int) -> list[int]:
        """Timestamps of a segment's packets, in order of presentation."""
        found = []
        with self.part(index).open("rb") as file:
            while header := file.read(_HEADER.size):
                pts, _, _, size = _HEADER.unpack(header)
                found.append(pts)
                file.seek(size, os.SEEK_CUR)
        return sorted(found)

    def packets(self, index: int) -> Iterator[Coded]:
        """A segment's packets in coded order, one at a time."""
        with self.part(index).open("rb") as file:
            while header := file.read(_HEADER.size):
                pts, duration, key, size = _HEADER.unpack(header)
                yield Coded(pts, duration, key, file.read(size))

    def film(self, step: int) -> Iterator[tuple[Coded, int]]:
        """Every packet of all segments with the time to decode it, which rises and is never after it is shown.

        Segments come from encoders that know nothing of each other, so their own times would overlap: a packet is
        decoded when the frame that stands `delay` places before it is shown.

        Args:
            step: ticks between two frames, for the first packets, which have no frame so far before them.
        """
        waiting: deque[int] = deque()
        early, first = self.delay, 0
        for index in range(len(self.segments)):
            order = self.order(index)
            if index == 0:
                first = order[0]
            waiting.extend(order)
            for packet in self.packets(index):
                if early:
                    yield packet, first - early * step
                    early -= 1
                else:
                    yield packet, waiting.popleft()

    def drop(self) -> None:
        """Remove everything."""
        self.release()
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def forget(self) -> None:
        """Remove everything, unless another run holds it."""
        with contextlib.suppress(OSError, OutputUnwritable):
            self._hold()
            self.drop()

    def drop_if_empty(self) -> None:
        """Remove everything where no segment is finished: there is nothing to go on with."""
        if not self.segments:
            with contextlib.suppress(OSError):
                self.drop()


class SegmentFile:
    """A segment's packets on their way to the disk; they have the segment's name when all of them are there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_suffix(".part")
        self._file = self._part.open("wb")
        self._check = 0
        self.bytes = 0
        self._order: list[int] = []

    def put(self, packet: Coded) -> None:
        """Add a packet."""
        self._order.append(packet.pts)
        for data in (_HEADER.pack(packet.pts, packet.duration, packet.key, len(packet.data)), packet.data):
            self._file.write(data)
            self._check = zlib.crc32(data, self._check)
            self.bytes += len(data)

    def finish(self, frames: int, place: Place | None = None) -> Segment:
        """The packets of that many frames are there, up to that place in the source."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self._path)
        return Segment(frames, delay_of(self._order), self.bytes, self._check, place)

    def abandon(self) -> None:
        """Remove it."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._part.unlink()


def delay_of(order: list[int]) -> int:
    """By how many places packets have to be decoded early, so that none is decoded after it is shown.

    Args:
        order: timestamps of presentation in coded order.
    """
    places = {pts: place for place, pts in enumerate(sorted(order))}
    return max((index - places[pts] for index, pts in enumerate(order)), default=0)


def _is_whole(path: Path, segment: Segment) -> bool:
    try:
        if path.stat().st_size != segment.bytes:
            return False
        check = 0
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                check = zlib.crc32(block, check)
    except OSError:
        return False
    return check == segment.check
