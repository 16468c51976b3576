"""Results that cannot be written: one clear line, nothing left behind, nothing of others lost."""

from __future__ import annotations

import errno
import gc
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from subpixel.errors import OutputExists, OutputUnwritable
from subpixel.image import FORMATS, check_target, read, targets, write, writing
from subpixel.types import Metadata, Picture
from tests.image.pictures import exif, noise, smooth

SMALL = Picture(smooth(20, 30, 3), Metadata(exif=exif()))
EACH = pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@EACH
def test_nothing_but_the_result_is_left(row, tmp_path: Path):
    write(SMALL, tmp_path / f"a{row.suffixes[0]}")
    assert left(tmp_path) == [f"a{row.suffixes[0]}"]


def test_an_existing_file_is_not_replaced_unasked(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"mine")
    with pytest.raises(OutputExists, match="--overwrite"):
        check_target(tmp_path / "a.png")
    with pytest.raises(OutputExists):
        write(SMALL, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"mine"
    assert check_target(tmp_path / "a.png", overwrite=True) == "png"
    write(SMALL, tmp_path / "a.png", overwrite=True)
    np.testing.assert_array_equal(read(tmp_path / "a.png").pixels, SMALL.pixels)
    assert left(tmp_path) == ["a.png"]


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_a_file_that_comes_up_meanwhile_is_not_replaced(links, tmp_path: Path, monkeypatch):
    def late(picture, row):
        (tmp_path / "a.png").write_bytes(b"mine")
        return fit(picture, row)

    def no_link(*_):
        raise OSError(errno.EPERM, "no links here")

    fit = writing.fit
    monkeypatch.setattr(writing, "fit", late)
    if not links:
        monkeypatch.setattr(os, "link", no_link)
    with pytest.raises(OutputExists, match="came up during the work"):
        write(SMALL, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"mine"
    assert left(tmp_path) == ["a.png"]


def test_without_hard_links(tmp_path: Path, monkeypatch):
    def no_link(*_):
        raise OSError(errno.ENOTSUP, "no links here")

    monkeypatch.setattr(os, "link", no_link)
    write(SMALL, tmp_path / "a.png")
    assert left(tmp_path) == ["a.png"]
    np.testing.assert_array_equal(read(tmp_path / "a.png").pixels, SMALL.pixels)


def test_folder_as_target(tmp_path: Path):
    for overwrite in (False, True):
        with pytest.raises(OutputUnwritable, match="is a folder"):
            check_target(tmp_path, format="png", overwrite=overwrite)
        with pytest.raises(OutputUnwritable, match="is a folder"):
            write(SMALL, tmp_path, format="png", overwrite=overwrite)


def test_a_device_is_never_replaced(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.png")
    for overwrite in (False, True):
        with pytest.raises(OutputUnwritable, match="not a regular file"):
            check_target(tmp_path / "pipe.png", overwrite=overwrite)
        with pytest.raises(OutputUnwritable, match="not a regular file"):
            check_target("/dev/null", format="png", overwrite=overwrite)


def test_no_such_folder(tmp_path: Path):
    with pytest.raises(OutputUnwritable, match="there is no folder"):
        check_target(tmp_path / "none" / "a.png")


def test_a_file_in_place_of_the_folder(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputUnwritable):
        check_target(tmp_path / "file" / "a.png")


def test_name_too_long(tmp_path: Path):
    with pytest.raises(OutputUnwritable, match="the name is too long"):
        check_target(tmp_path / ("x" * 300 + ".png"))
    with pytest.raises(OutputUnwritable, match="the name is too long"):
        write(SMALL, tmp_path / ("x" * 300 + ".png"))
    assert left(tmp_path) == []


@pytest.mark.parametrize("name", ["x" * 251 + ".png", "ä" * 125 + ".png", "日" * 83 + ".png"])
def test_the_longest_name_works(name, tmp_path: Path):
    write(SMALL, tmp_path / name)
    assert left(tmp_path) == [name]


def test_zero_byte_in_the_name(tmp_path: Path):
    with pytest.raises(OutputUnwritable):
        check_target(f"{tmp_path}/a\0b.png")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission(tmp_path: Path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputUnwritable, match="no permission"):
            check_target(tmp_path / "a.png")
        with pytest.raises(OutputUnwritable, match="no permission"):
            write(SMALL, tmp_path / "a.png")
    finally:
        tmp_path.chmod(0o700)


def test_a_refused_write_is_one_line(tmp_path: Path, monkeypatch):
    """What a read-only disk answers, whoever runs the tests."""

    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(OutputUnwritable, match="the disk is read-only"):
        write(SMALL, tmp_path / "a.png")


def test_mode_follows_the_umask(tmp_path: Path):
    old = os.umask(0o027)
    try:
        write(SMALL, tmp_path / "a.png")
    finally:
        os.umask(old)
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o640


def test_a_link_goes_on_pointing_at_the_result(tmp_path: Path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "real.png").write_bytes(b"old")
    (tmp_path / "a.png").symlink_to(tmp_path / "there" / "real.png")
    with pytest.raises(OutputExists):
        write(SMALL, tmp_path / "a.png")
    write(SMALL, tmp_path / "a.png", overwrite=True)
    assert (tmp_path / "a.png").is_symlink()
    np.testing.assert_array_equal(read(tmp_path / "there" / "real.png").pixels, SMALL.pixels)
    assert left(tmp_path / "there") == ["real.png"]


def test_a_link_to_nothing_makes_the_file(tmp_path: Path):
    (tmp_path / "a.png").symlink_to(tmp_path / "real.png")
    write(SMALL, tmp_path / "a.png")
    assert (tmp_path / "a.png").is_symlink()
    assert not (tmp_path / "real.png").is_symlink()


def test_writing_over_the_picture_that_was_read(tmp_path: Path):
    write(SMALL, tmp_path / "a.tif")
    picture = read(tmp_path / "a.tif")
    write(picture, tmp_path / "a.tif", overwrite=True)
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, SMALL.pixels)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError(errno.ENOSPC, "No space left on device")])
@EACH
def test_an_interrupted_write_leaves_nothing(row, error, tmp_path: Path, monkeypatch):
    def broken(*_):
        raise error

    monkeypatch.setattr(os, "fsync", broken)
    expected = OutputUnwritable if isinstance(error, OSError) else error
    with pytest.raises(expected):
        write(SMALL, tmp_path / f"a{row.suffixes[0]}")
    assert left(tmp_path) == []


@pytest.mark.parametrize("name", ["png", "tiff", "jpeg", "avif"])
def test_ctrl_c_during_a_long_write(name, tmp_path: Path):
    """A real signal to a real process while libvips is coding: it ends soon, and nothing is left."""
    code = """
        import sys, numpy as np
        from subpixel.image import write
        from subpixel.types import Picture
        pixels = np.random.default_rng(0).integers(0, 255, (1, 6000, 6000, 3), dtype=np.uint8)
        print("ready", flush=True)
        try:
            write(Picture(pixels), sys.argv[1])
        except KeyboardInterrupt:
            sys.exit(130)
    """
    suffix = next(row for row in FORMATS if row.name == name).suffixes[0]
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / f"a{suffix}")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    deadline = time.monotonic() + 20
    while not left(tmp_path) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (130, "")
    assert left(tmp_path) == []


@pytest.fixture
def tiny_disk(tmp_path: Path):
    """A disk of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("mounting a tiny disk needs root")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    gc.collect()
    subprocess.run(["umount", str(folder)], check=True)


@EACH
def test_full_disk(row, tiny_disk: Path, capfd):
    large = Picture(noise(1, 400, 400, 3), Metadata(exif=exif()))
    with pytest.raises(OutputUnwritable, match="the disk is full"):
        write(large, tiny_disk / f"a{row.suffixes[0]}", lossless=True if row.coding == "both" else None)
    assert left(tiny_disk) == []
    assert capfd.readouterr() == ("", "")


@EACH
def test_a_file_larger_than_allowed(row, tmp_path: Path):
    """The same with a limit on file size, which needs no root."""
    code = """
        import resource, sys, numpy as np
        from subpixel.errors import OutputUnwritable
        from subpixel.image import write
        from subpixel.types import Picture
        pixels = np.random.default_rng(0).integers(0, 255, (1, 400, 400, 3), dtype=np.uint8)
        resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))
        try:
            write(Picture(pixels), sys.argv[1], quality=98 if sys.argv[1].endswith(("jpg", "webp", "avif")) else None)
        except OutputUnwritable as error:
            print(error)
    """
    path = tmp_path / f"a{row.suffixes[0]}"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(path)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout == f"{path} cannot be written: the file would be larger than the system allows\n"
    assert left(tmp_path) == []


def test_errors_of_the_system_in_words():
    for code, words in ((errno.ENOSPC, "the disk is full"), (errno.EDQUOT, "quota"), (errno.EIO, "error")):
        assert words in str(targets.unwritable("a.png", OSError(code, os.strerror(code))))
