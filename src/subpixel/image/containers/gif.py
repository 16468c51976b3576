"""GIF: blocks after the global colour table (GIF89a)."""

from __future__ import annotations

from typing import BinaryIO, Final

from subpixel.image.containers.parts import Found, Load, copy_rest, exactly, number

_MOST_BLOCKS: Final = 2_000_000
_MOST_TEXT: Final = 1 << 16


def _colour_table(flags: int) -> int:
    """Bytes of a colour table."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def inspect(file: BinaryIO) -> Found:
    """Text comments."""
    comments: list[tuple[str, str]] = []
    blocks = 0
    file.seek(0)
    try:
        file.seek(_colour_table(exactly(file, 13)[10]), 1)
        while blocks < _MOST_BLOCKS:
            kind = exactly(file, 1)
            if kind == b"!":
                label = exactly(file, 1)
                data, count = _sub_blocks(file)
                if label == b"\xfe":
                    comments.append(("Comment", data.decode("latin-1")))
            elif kind == b",":
                file.seek(_colour_table(exactly(file, 9)[8]) + 1, 1)
                _, count = _sub_blocks(file)
            else:
                break
            blocks += count
    except EOFError:
        pass  # libvips judges whether the pixels are whole
    return Found(comments=tuple(comments))


def _sub_blocks(file: BinaryIO) -> tuple[bytes, int]:
    """The first 64 KiB of a row of blocks, and how many blocks there are."""
    start = bytearray()
    count = 1
    while length := number(exactly(file, 1), "B"):
        if len(start) < _MOST_TEXT:
            start += exactly(file, length)
        else:
            file.seek(length, 1)
        count += 1
        if count > _MOST_BLOCKS:
            raise EOFError("too many blocks")
    return bytes(start), count


def embed(source: BinaryIO, target: BinaryIO, load: Load) -> tuple[str, ...]:
    """Copy a GIF and put its comments before the first frame."""
    head = exactly(source, 13)
    target.write(head + exactly(source, _colour_table(head[10])))
    for _, text in load.comments:
        data = text.encode("latin-1", "replace")
        blocks = (data[i : i + 255] for i in range(0, len(data), 255))
        target.write(b"!\xfe" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0")
    copy_rest(source, target)
    return ()
