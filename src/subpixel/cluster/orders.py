"""What is said between the process that was started and the nodes: small values that are sent over the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from subpixel import errors
from subpixel.batch.naming import PictureCoding
from subpixel.cluster.places import Stamp
from subpixel.errors import SubpixelError
from subpixel.plan import Target
from subpixel.results import FileResult
from subpixel.types import PrecisionChoice, Quality
from subpixel.upscaler import Upscaler


@dataclass(frozen=True, slots=True)
class Making:
    """How pictures are made larger: the arguments of `Upscaler` of the same names, and the user's own model.

    Attributes:
        files: of a model that is not in the package, by their names.
        threads: of one picture.
    """

    model: str | None = None
    quality: Quality = "balanced"
    restore: bool | None = None
    eightfold: bool | None = None
    engine: str = "openvino"
    precision: PrecisionChoice = "auto"
    threads: int = 1
    tile: int | None = None
    files: tuple[tuple[str, bytes], ...] = ()

    def upscaler(self, model: str | Path | None = None) -> Upscaler:
        """The upscaler; `model`: where the files of a model are."""
        return Upscaler(
            model or self.model,
            quality=self.quality,
            restore=self.restore,
            eightfold=self.eightfold,
            engine=self.engine,
            precision=self.precision,
            threads=self.threads,
            tile=self.tile,
        )


@dataclass(frozen=True, slots=True)
class Order:
    """A picture that a node is to make larger.

    Attributes:
        number: of the picture in this run.
        attempt: name of this attempt at it, of all runs'.
        name: of its file, without folders.
        shown: the picture, for people.
        fetch: URL to read it from; None: its bytes come with the order.
        files: names of the results, without folders.
        puts: URLs to write them to; None: their bytes go back.
        targets: factor or size of each result.
        coding: how pictures are read and results written.
        memory: bytes that were set aside for it; None: nobody counts.
        most: pixels up to which it is made on one node; None: always.
        spread: so many of its tiles are computed on other nodes at a time; 0: none, it is made on one.
        version: of the package that asks.
    """

    number: int
    attempt: str
    name: str
    shown: str
    fetch: str | None
    files: tuple[str, ...]
    puts: tuple[str, ...] | None
    targets: tuple[Target, ...]
    coding: PictureCoding
    memory: int | None
    most: int | None
    spread: int
    version: str


@dataclass(frozen=True, slots=True)
class Done:
    """A picture was made.

    Attributes:
        results: of each target, with names of files only.
        data: the results' files; None: they were written where the order said.
        sizes: bytes of each.
        stamp: what the input was like; None where its bytes came with the order.
        digest: hash of the input's bytes.
        node: who made it.
    """

    results: tuple[FileResult, ...]
    data: tuple[bytes, ...] | None
    sizes: tuple[int, ...]
    stamp: Stamp | None
    digest: bytes
    node: str


@dataclass(frozen=True, slots=True)
class Needs:
    """A picture was not begun, because it needs more than was set aside for it.

    Attributes:
        memory: bytes.
        spread: it is large enough for its tiles to be computed on many nodes.
    """

    memory: int
    spread: bool


@dataclass(frozen=True, slots=True)
class Wrong:
    """A picture failed.

    Attributes:
        kind: name of the error's class.
        what: what is wrong.
        hint: what to do.
        node: where.
    """

    kind: str
    what: str
    hint: str
    node: str

    def error(self) -> SubpixelError:
        """The error."""
        kind = getattr(errors, self.kind, SubpixelError)
        made: SubpixelError = kind(self.what, self.hint)
        return made


@dataclass(frozen=True, slots=True)
class Lost:
    """A picture's node was lost, or its process fell.

    Attributes:
        reason: what is known of it.
        memory: there was not enough of it.
    """

    reason: str
    memory: bool = False


Outcome: TypeAlias = Done | Needs | Wrong | Lost


@dataclass(frozen=True, slots=True)
class Node:
    """What a node says of itself.

    Attributes:
        name: its computer.
        version: of the package there.
        networks: hash of all networks in it.
        arithmetic: of 8-bit and 16-bit pictures.
        wrong: an error that it met when it looked at the places it will read.
    """

    name: str
    version: str
    networks: str
    arithmetic: str
    wrong: Wrong | None = None


def differing(nodes: Sequence[Node], mine: Node) -> Mapping[str, Node]:
    """Nodes that compute with other networks than this computer, by what is different."""
    return {
        f"{node.name} has subpixel {node.version}" if node.version != mine.version else
        f"{node.name} has other networks in its subpixel {node.version}": node
        for node in nodes if (node.version, node.networks) != (mine.version, mine.networks)
    }  # fmt: skip
