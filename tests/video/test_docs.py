"""The tables of docs/reference/videos.md say what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from subpixel.video.codecs import CODECS
from subpixel.video.containers import CONTAINERS

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "videos.md"
HERE = pytest.mark.skipif(not PAGE.exists(), reason="runs in a checkout of the project")


def _rows(name: str) -> list[list[str]]:
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(f"<!-- table: tests/video/test_docs.py {name} -->")
    lines = [line for line in rest.partition("<!-- /table -->")[0].splitlines() if line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@HERE
def test_containers() -> None:
    wanted = [
        [
            row.title,
            " ".join(f"`{suffix}`" for suffix in row.suffixes),
            ", ".join(row.films),
            "yes" if row.attachments else "–",
            "as attachment" if row.attachments else "yes" if row.covers else "–",
            "milliseconds" if row.tick else "exact",
        ]
        for row in CONTAINERS
    ]
    assert _rows("containers") == wanted


@HERE
def test_codecs() -> None:
    wanted = [
        [
            row.title,
            f"`{row.name}`",
            ", ".join(row.encoders),
            "–" if row.crf is None else f"{row.crf:g}, of 0–{row.worst:g}",
            ", ".join(row.efforts) if row.option else "–",
            "yes" if row.even else "–",
        ]
        for row in CODECS
    ]
    assert _rows("codecs") == wanted
