"""Archives: only the wanted pictures come out of them, and hostile ones are refused."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import Literal

import pytest

pytest.importorskip("pydantic", reason="fetching needs pydantic: pip install 'subpixel[train]'")

from subpixel.errors import OutputUnwritable, TrainingError
from subpixel_train.fetch import unpack as unpacking
from subpixel_train.fetch.entries import Download
from subpixel_train.fetch.unpack import unpack

Kind = Literal["zip", "tar"]
KINDS: tuple[Kind, ...] = ("zip", "tar")


def pack(path: Path, kind: Kind, files: list[tuple[str, bytes]], link: tuple[str, str] | None = None) -> Path:
    """An archive with these files, in this order, names as they are."""
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files:
                info = zipfile.ZipInfo(name)
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, content)
            if link is not None:
                info = zipfile.ZipInfo(link[0])
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
                archive.writestr(info, link[1])
    else:
        with tarfile.open(path, "w:gz") as archive:
            for name, content in files:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            if link is not None:
                member = tarfile.TarInfo(link[0])
                member.type, member.linkname = tarfile.SYMTYPE, link[1]
                archive.addfile(member)
    return path


def taken(path: Path, kind: Kind, to: Path) -> dict[str, int]:
    """Take the folder T91 out of an archive."""
    to.mkdir(exist_ok=True)
    return unpack(Download(path.name, (), archive=kind), path, {"T91": to}, lambda done, total: None)


@pytest.mark.parametrize("kind", KINDS)
def test_only_pictures_that_lie_in_the_wanted_folder(tmp_path: Path, kind: Kind) -> None:
    files = [
        ("sets/T91/a.png", b"A"),
        ("sets/T91/b.BMP", b"B"),
        ("sets/T91/Thumbs.db", b"no picture"),
        ("sets/T91/._a.png", b"a Mac's shadow"),
        ("__MACOSX/T91/c.png", b"a Mac's shadow"),
        ("sets/T91/below/d.png", b"deeper"),
        ("sets/OtherT91/e.png", b"another folder"),
        ("readme.txt", b"hello"),
    ]
    archive = pack(tmp_path / "a", kind, files, link=("sets/elsewhere.png", "/etc/passwd"))
    assert taken(archive, kind, tmp_path / "out") == {"T91": 2}
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == {"a.png": b"A", "b.BMP": b"B"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name", ["../T91/evil.png", "T91/../../evil.png", "/T91/evil.png", "C:/T91/evil.png", "..\\T91\\evil.png", "../x"]
)
def test_a_path_that_leads_outside_condemns_the_archive(tmp_path: Path, kind: Kind, name: str) -> None:
    archive = pack(tmp_path / "a", kind, [(name, b"evil")])
    with pytest.raises(TrainingError, match="a path in it leads outside"):
        taken(archive, kind, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "out"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_among_the_pictures_condemns_the_archive(tmp_path: Path, kind: Kind) -> None:
    archive = pack(tmp_path / "a", kind, [], link=("T91/a.png", "/etc/passwd"))
    with pytest.raises(TrainingError, match=r"T91/a\.png is a link or a device"):
        taken(archive, kind, tmp_path / "out")
    assert not any((tmp_path / "out").iterdir())


def test_hard_links_and_devices_too(tmp_path: Path) -> None:
    for what in (tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
        with tarfile.open(tmp_path / "a", "w") as archive:
            member = tarfile.TarInfo("T91/a.png")
            member.type, member.linkname = what, "T91/b.png"
            archive.addfile(member)
        with pytest.raises(TrainingError, match="is a link or a device"):
            taken(tmp_path / "a", "tar", tmp_path / "out")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_comes_twice_condemns_the_archive(tmp_path: Path, kind: Kind) -> None:
    archive = pack(tmp_path / "a", kind, [("T91/a.png", b"A"), ("other/T91/a.png", b"B")])
    with pytest.raises(TrainingError, match=r"a\.png is in it twice"):
        taken(archive, kind, tmp_path / "out")


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_is_stopped(tmp_path: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_FREE_BYTES", 1000)
    archive = pack(tmp_path / "a", kind, [(f"T91/{index}.png", bytes(5_000_000)) for index in range(3)])
    with pytest.raises(TrainingError, match="unpacks to more than 20 times its size"):
        taken(archive, kind, tmp_path / "out")
    written = sum(path.stat().st_size for path in (tmp_path / "out").iterdir())
    assert written <= 20 * archive.stat().st_size + 1000


@pytest.mark.parametrize("kind", KINDS)
def test_too_many_files_are_refused(tmp_path: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MEMBERS_LIMIT", 3)
    archive = pack(tmp_path / "a", kind, [(f"x/{index}", b"") for index in range(4)])
    with pytest.raises(TrainingError, match="more than 3 files"):
        taken(archive, kind, tmp_path / "out")


@pytest.mark.parametrize(
    ("kind", "damage"),
    [*((kind, damage) for kind in KINDS for damage in ("empty", "text", "half")), ("zip", "flipped")],
)
def test_a_damaged_archive_is_one_line(tmp_path: Path, kind: Kind, damage: str) -> None:
    noise = bytes((index * 7919 >> 3) & 255 for index in range(40_000))
    archive = pack(tmp_path / "a", kind, [("T91/a.png", noise)])
    whole = bytearray(archive.read_bytes())
    middle = len(whole) // 2
    whole[middle] ^= 255
    changed = {"empty": b"", "text": b"<html>Not found</html>", "half": whole[:middle], "flipped": bytes(whole)}
    archive.write_bytes(changed[damage])
    with pytest.raises(TrainingError, match="is damaged") as error:
        taken(archive, kind, tmp_path / "out")
    assert "\n" not in str(error.value)


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a", "zip", [(f"T91/{'n' * 300}.png", b"A")])  # no file system takes such a name
    with pytest.raises(OutputUnwritable, match="cannot write"):
        taken(archive, "zip", tmp_path / "out")
