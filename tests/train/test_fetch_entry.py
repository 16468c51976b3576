"""Whole entries: what the catalogue says, and data sets in their places."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import pyvips

pytest.importorskip("pydantic", reason="fetching needs pydantic: pip install 'subpixel[train]'")

from drawn import draw
from fetching import Notes
from server import Server, serving

from subpixel.cli.main import invoke
from subpixel.errors import TrainingError
from subpixel.measure.sets import BENCHMARKS, benchmark_set, fit_reference
from subpixel_train import recipe as recipes
from subpixel_train.data.folders import pictures
from subpixel_train.fetch.catalogue import CATALOGUE
from subpixel_train.fetch.entries import Digest, Download, Folder, Pictures, Weights
from subpixel_train.fetch.entry import STORE, fetch, is_there
from subpixel_train.fetch.obtain import Source


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SUBPIXEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SUBPIXEL_DATA", raising=False)
    monkeypatch.delenv("SUBPIXEL_MIRROR", raising=False)
    return tmp_path / "cache"


def zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def png(pixels: np.ndarray) -> bytes:
    written: bytes = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb").write_to_buffer(".png")
    return written


def small_set(server: Server, *, pictures: int = 2) -> Pictures:
    """An entry with two folders, on the server."""
    content = zipped({"top/A/1.png": b"1", "top/A/2.png": b"2", "top/B/3.png": b"3", "top/C/4.png": b"4"})
    server.put("set.zip", content)
    download = Download("set.zip", (server.at("set.zip"),), len(content), None, "zip")
    return Pictures(
        "set", "a set", download, (Folder("A", "train/a", pictures), Folder("B", "test/b", 1)), "for the test"
    )


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# the catalogue


def test_names_and_files_are_unique_and_digests_are_digests() -> None:
    lengths = {"sha256": 64, "md5": 32, "sha256-start": 8}
    for name, entry in CATALOGUE.items():
        assert name == entry.name == name.lower()
        digest = entry.download.digest
        if digest is not None:
            assert re.fullmatch("[0-9a-f]+", digest.value) and len(digest.value) == lengths[digest.kind], name
        for address in entry.download.addresses:
            assert urlsplit(address).scheme == "https" or digest is not None or name in ("t91", "general100"), name
    files = {entry.download.file: entry.download for entry in CATALOGUE.values()}
    assert all(files[entry.download.file] == entry.download for entry in CATALOGUE.values())


def test_file_names_of_weights_carry_the_start_of_their_digest() -> None:
    named = [entry for entry in CATALOGUE.values() if isinstance(entry, Weights) and entry.file.endswith(".pth")]
    assert len(named) == 3
    for entry in named:
        assert entry.download.digest is not None
        assert entry.download.digest.value.startswith(entry.file.removesuffix(".pth").rpartition("-")[2])


def test_folders_are_those_that_recipes_and_benchmarks_name() -> None:
    made = {
        folder.to: folder for entry in CATALOGUE.values() if isinstance(entry, Pictures) for folder in entry.folders
    }
    assert len(made) == sum(len(entry.folders) for entry in CATALOGUE.values() if isinstance(entry, Pictures))
    for benchmark in BENCHMARKS:
        assert made[f"benchmark/{benchmark.name}"].pictures == benchmark.pictures
    others = {"train/cid22", "train/clic2025", "train/wallpapers"}  # not in one archive anywhere
    for name in recipes.shipped():
        for folder in recipes.load(name).data.folders:
            assert folder in made or folder in others, f"{name} names {folder}"


def test_a_missing_folder_that_can_be_fetched_says_so(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="get this one with: subpixel data fetch t91"):
        pictures(tmp_path / "train" / "t91")
    with pytest.raises(TrainingError, match="put the pictures there"):
        pictures(tmp_path / "train" / "mine")


# data sets


def test_a_set_is_fetched_unpacked_and_put_in_its_places_once(tmp_path: Path, server: Server) -> None:
    entry, data = small_set(server), tmp_path / "data"
    assert not is_there(entry, data)
    assert fetch(entry, data, Source(Notes())) == "fetched"
    assert names(data / "train") == ["a/1.png", "a/2.png"] and names(data / "test") == ["b/3.png"]
    assert sorted(path.name for path in (data / STORE).iterdir()) == ["fetched.json", "set.zip"]
    assert is_there(entry, data)
    assert fetch(entry, data, Source(Notes())) == "there"
    assert len(server.asked) == 1


def test_only_what_is_missing_is_filled_in(tmp_path: Path, server: Server) -> None:
    entry, data = small_set(server), tmp_path / "data"
    (data / "train" / "a").mkdir(parents=True)
    for name in ("x.webp", "y.webp"):
        (data / "train" / "a" / name).touch()
    fetch(entry, data, Source(Notes()))
    assert names(data / "train") == ["a/x.webp", "a/y.webp"] and names(data / "test") == ["b/3.png"]


def test_a_folder_with_something_else_is_replaced_only_on_request(tmp_path: Path, server: Server) -> None:
    entry, data = small_set(server), tmp_path / "data"
    (data / "train" / "a").mkdir(parents=True)
    (data / "train" / "a" / "mine.png").touch()
    with pytest.raises(TrainingError, match=r"is there, but is not the whole of set: .* --again"):
        fetch(entry, data, Source(Notes()))
    assert names(data) == ["train/a/mine.png"] and not server.asked
    fetch(entry, data, Source(Notes()), again=True)
    assert names(data / "train") == ["a/1.png", "a/2.png"]


def test_an_archive_with_other_contents_leaves_nothing_half_done(tmp_path: Path, server: Server) -> None:
    entry, data = small_set(server, pictures=3), tmp_path / "data"
    with pytest.raises(TrainingError, match=r"set\.zip holds 2 pictures in A, not 3"):
        fetch(entry, data, Source(Notes()))
    assert names(data) == [f"{STORE}/fetched.json", f"{STORE}/set.zip"]
    assert not (data / "train").exists()


def test_stopping_while_unpacking_leaves_nothing_half_done(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, data = small_set(server), tmp_path / "data"

    class Stopped(Notes):
        def progress(self, done: int, total: int | None) -> None:
            if total is None and self.stages[-1].startswith("unpacking") and done == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(entry, data, Source(Stopped()))
    assert names(data) == [f"{STORE}/fetched.json", f"{STORE}/set.zip"]
    assert fetch(entry, data, Source(Notes())) == "fetched"
    assert len(server.asked) == 1  # the archive was whole


def benchmark_archive(*, odd: bool = False) -> bytes:
    """Two pictures in EDSR's layout; their sizes are no multiples of the factors."""
    files = {}
    for index, (height, width) in enumerate(((29, 35), (25, 31))):
        large = draw(height, width, index)
        files[f"benchmark/Tiny/HR/p{index}.png"] = png(large)
        for scale in (2, 3, 4):
            small = draw(height // scale + odd, width // scale, 10 * index + scale)
            files[f"benchmark/Tiny/LR_bicubic/X{scale}/p{index}x{scale}.png"] = png(small)
    return zipped(files)


def test_a_benchmark_is_laid_out_as_pairs(tmp_path: Path, server: Server) -> None:
    server.put("b.zip", benchmark_archive())
    download = Download("b.zip", (server.at("b.zip"),), archive="zip")
    entry = Pictures("tiny", "", download, (Folder("Tiny", "benchmark/Tiny", 2),), "", pairs=True)
    assert fetch(entry, tmp_path, Source(Notes())) == "fetched"
    assert is_there(entry, tmp_path)
    for scale in (2, 3, 4):
        pairs = benchmark_set(tmp_path, "tiny", scale).pairs
        assert [pair.name for pair in pairs] == ["p0", "p1"]
        for index, pair in enumerate(pairs):
            assert pair.small is not None and pair.small.stem == pair.name
            large = np.asarray(pyvips.Image.new_from_file(str(pair.reference)).numpy())
            small = np.asarray(pyvips.Image.new_from_file(str(pair.small)).numpy())
            height, width = (side // scale for side in draw(*((29, 35), (25, 31))[index], index).shape[:2])
            assert small.shape == (height, width, 3) and large.shape == (scale * height, scale * width, 3)
            whole = draw(*((29, 35), (25, 31))[index], index)
            assert np.array_equal(large, whole[: scale * height, : scale * width])
            assert fit_reference(large, small, scale, pair.name).shape == large.shape


def test_a_benchmark_whose_sizes_do_not_fit_is_refused(tmp_path: Path, server: Server) -> None:
    server.put("b.zip", benchmark_archive(odd=True))
    download = Download("b.zip", (server.at("b.zip"),), archive="zip")
    entry = Pictures("tiny", "", download, (Folder("Tiny", "benchmark/Tiny", 2),), "", pairs=True)
    with pytest.raises(TrainingError, match="are not a pair at ×2"):
        fetch(entry, tmp_path, Source(Notes()))
    assert not (tmp_path / "benchmark").exists()


# the command


def test_the_command_fetches_from_a_mirror(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    files = {f"SR_training_datasets/T91/t{index}.png": b"t" for index in range(91)}
    files |= {f"SR_training_datasets/General100/im_{index}.bmp": b"g" for index in range(100)}
    content = zipped(files)
    server.put("SR_training_datasets.zip", content)
    monkeypatch.setenv("SUBPIXEL_MIRROR", server.address)
    words = ["data", "fetch", "t91", "General100", "--data", str(tmp_path / "data")]
    assert invoke(words) == 0
    said = capfd.readouterr().err
    assert f"t91: fetched: {tmp_path / 'data' / 'train' / 't91'}" in said
    assert hashlib.sha256(content).hexdigest() in said
    assert len(names(tmp_path / "data" / "train" / "t91")) == 91
    assert len(names(tmp_path / "data" / "train" / "general100")) == 100
    assert len(server.asked) == 1  # both are in one archive
    assert [path.name for path in (tmp_path / "data" / STORE).iterdir()] == ["fetched.json"]
    assert invoke(words) == 0
    assert "t91: is there" in capfd.readouterr().err and len(server.asked) == 1
    shutil.rmtree(tmp_path / "data" / "train")
    server.put("SR_training_datasets.zip", content + b"x")
    assert invoke(words) == 7
    assert "as the first time" in capfd.readouterr().err


def test_weights_go_to_the_cache(
    tmp_path: Path, cache: Path, server: Server, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    content = b"weights"
    entry = CATALOGUE["squeezenet"]
    assert isinstance(entry, Weights)
    digest = Digest("sha256-start", hashlib.sha256(content).hexdigest()[:8])
    monkeypatch.setitem(CATALOGUE, "squeezenet", replace(entry, download=replace(entry.download, digest=digest)))
    server.put(entry.file, content)
    assert invoke(["data", "fetch", "squeezenet", "--mirror", server.address]) == 0
    assert (cache / "weights" / entry.file).read_bytes() == content
    capfd.readouterr()
    assert invoke(["data", "fetch", "squeezenet", "--mirror", server.address, "--quiet"]) == 0
    assert len(server.asked) == 1 and capfd.readouterr().err == ""
    assert invoke(["data", "fetch", "--list"]) == 0
    listed = capfd.readouterr().out
    assert all(name in listed for name in CATALOGUE)
    assert next(line for line in listed.splitlines() if line.startswith("squeezenet")).rstrip().endswith("yes")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "nothing was named: as in: subpixel data fetch bsds300 set5"),
        (["div3k"], 2, "there is nothing named 'div3k' to fetch: did you mean div2k?"),
        (["t91", "--mirror", "ftp://example.org"], 2, "the mirror is 'ftp://example.org'"),
        (["t91", "--accept", "abc"], 2, "--accept is 'abc'"),
        (["t91", "set5", "--accept", "0" * 64], 2, "--accept is for one file"),
        (["t91", "--mirror", "http://127.0.0.1:9", "--nonsense"], 2, "No such option"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], code: int, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert invoke(["data", "fetch", *words]) == code
    error = capfd.readouterr().err
    assert error.startswith(f"subpixel: {said}") and error.count("\n") == 1


def test_the_command_of_commands_shows_its_help_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    assert invoke(["data"]) == 2
    out, error = capfd.readouterr()
    assert all(command in out + error for command in ("fetch", "pack", "preview", "Examples"))
    assert "subpixel: " not in error
    assert invoke(["data", "fetsh"]) == 2
    assert "No such command 'fetsh'" in capfd.readouterr().err


def test_help_loads_nothing_heavy() -> None:
    heavy = "{'torch', 'pydantic', 'numpy', 'pyvips', 'yaml'}"
    program = f"import sys, subpixel_train.cli_data; print(*sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
