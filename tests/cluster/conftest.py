"""A store like S3 on this computer, pictures to put into it, and what one computer makes of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

import subpixel
from tests.batch.conftest import draw

BUCKET = "photos"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, what a run keeps for itself left out."""
    found = (path for path in folder.rglob("*") if path.is_file())
    made = {str(path.relative_to(folder)): path.read_bytes() for path in found}
    return {name: data for name, data in made.items() if not name.startswith(".subpixel/")}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pictures in two folders, and one that is none."""
    folder = tmp_path_factory.mktemp("pictures") / "in"
    for index in range(8):
        name = f"{'sub/' if index % 2 else ''}p{index}.{'jpg' if index % 3 == 0 else 'png'}"
        draw(folder / name, 48, 64, seed=index)
    (folder / "bad.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def alone(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a run without nodes makes of them, twofold by espcn."""
    folder = tmp_path_factory.mktemp("alone") / "out"
    report = subpixel.batch.upscale_folder(pictures, folder, scale=2, model="espcn")
    assert (report.made, len(report.failed)) == (8, 1)
    return contents(folder)


class Store:
    """A bucket of a store that speaks S3."""

    def __init__(self, url: str) -> None:
        import fsspec

        self.url = url
        self.fs = fsspec.filesystem("s3")
        if not self.fs.exists(BUCKET):
            self.fs.mkdir(BUCKET)

    def fill(self, folder: Path, name: str) -> str:
        """Put a folder there; returns its URL."""
        for path in folder.rglob("*"):
            if path.is_file():
                self.fs.put_file(str(path), f"{BUCKET}/{name}/{path.relative_to(folder).as_posix()}")
        return self.at(name)

    @staticmethod
    def at(name: str) -> str:
        return f"s3://{BUCKET}/{name}"

    def contents(self, name: str) -> dict[str, bytes]:
        """Every object below a name, what a run keeps for itself left out."""
        self.fs.invalidate_cache()
        start = len(f"{BUCKET}/{name}/")
        found = {key[start:]: key for key in self.fs.find(f"{BUCKET}/{name}")}
        return {short: self.fs.cat_file(key) for short, key in found.items() if not short.startswith(".subpixel/")}

    def names(self, name: str) -> set[str]:
        """Of every object below a name, what a run keeps for itself left out."""
        return {key.partition(f"{BUCKET}/{name}/")[2] for key in self.times(name)}

    def kept(self, name: str) -> list[str]:
        """What a run keeps for itself there."""
        self.fs.invalidate_cache()
        return [key.partition(".subpixel/")[2] for key in self.fs.find(f"{BUCKET}/{name}/.subpixel")]

    def times(self, name: str) -> dict[str, object]:
        """When each object below a name was written."""
        self.fs.invalidate_cache()
        found = self.fs.find(f"{BUCKET}/{name}", detail=True)
        return {key: info.get("LastModified") for key, info in found.items() if ".subpixel" not in key}


@pytest.fixture(scope="session")
def store() -> Iterator[Store]:
    pytest.importorskip("s3fs", reason="the extra cluster is not installed")
    server = pytest.importorskip("moto.server", reason="moto is not installed: pip install -e '.[dev]'")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "somebody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        patch.setattr("subpixel.cluster.record._GATHER_S", 0.03)  # so many runs here that waiting adds up
        from subpixel.cluster.places import reached

        reached.cache_clear()
        yield Store(f"http://{host}:{port}")
        reached.cache_clear()
    running.stop()
