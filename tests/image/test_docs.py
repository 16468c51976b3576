"""The reference says what the table of formats says."""

from __future__ import annotations

from pathlib import Path

from subpixel.image import FORMATS, Format

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "formats.md"
START, STOP = "<!-- table: tests/image/test_docs.py -->\n\n", "\n<!-- /table -->\n"
HEAD = "format, suffixes, bits, alpha, frames, ICC, EXIF, XMP, IPTC, resolution, comments, most pixels a side"


def table() -> str:
    """The table as it has to stand in the page."""
    head = "| " + HEAD.replace(", ", " | ") + " |"
    return "\n".join([head, "|---" * 12 + "|", *(line(row) for row in FORMATS)]) + "\n"


def line(row: Format) -> str:
    cells = [
        row.title,
        " ".join(f"`{suffix}`" for suffix in row.suffixes),
        ", ".join(map(str, row.bits)),
        {"full": "yes", "binary": "on or off", "none": "–"}[row.alpha],
        "animation" if row.animation else "pages" if row.pages else "–",
        *("yes" if held else "–" for held in (row.icc, row.exif, row.xmp, row.iptc)),
        {"own": "yes", "exif": "Exif", "none": "–"}[row.dpi],
        "yes" if row.comments else "–",
        f"{row.max_side:,}",
    ]
    return "| " + " | ".join(cells) + " |"


def test_the_reference_is_up_to_date():
    text = PAGE.read_text(encoding="utf-8")
    stands = text.split(START)[1].split(STOP)[0]
    assert stands == table(), f"put this between the two comments in {PAGE.name}:\n{table()}"


def test_the_reference_names_the_defaults():
    text = PAGE.read_text(encoding="utf-8")
    for row in FORMATS:
        assert f"| {row.title}" in text or row.title in ("BMP", "PPM")
        if row.quality:
            assert f"quality {row.quality}" in text
