"""Names and media types of files that are sent to clients."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from subpixel.web.store import Row

MEDIA: Final[Mapping[str, str]] = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
    "tiff": "image/tiff",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "ppm": "image/x-portable-anymap",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "mkv": "video/x-matroska",
    "webm": "video/webm",
}
_STEM: Final = 100
_RESERVED: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f]+')


def result_name(row: Row) -> str:
    """What a job's result is called where a browser saves it: the upload's name, made safe, with what was done."""
    stem = _RESERVED.sub("_", row.name.rpartition(".")[0] or row.name).strip(" .")[:_STEM] or "picture"
    return f"{stem}-{row.settings.target.label}{row.suffix}"
