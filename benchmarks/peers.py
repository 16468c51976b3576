"""Other people's systems, each run as its own instructions say.

OpenCV's `dnn_superres` (ESPCN, FSRCNN, FSRCNN-small, LapSRN) sees luma and enlarges chroma bicubically; waifu2x's photo
model sees RGB, makes ×2, and is run twice for ×4, as waifu2x itself does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from systems import Call, System, input_plane

from subpixel.errors import SettingError
from subpixel.measure import Enlarger

Picture = NDArray[np.uint8]
OPENCV = ("FSRCNN-small", "ESPCN", "FSRCNN", "LapSRN")
_WAIFU2X = "waifu2x-upconv7-photo"
_VALID = 7  # pixels that waifu2x's unpadded convolutions take from every side


def peer_systems(peers: Path, scale: int, threads: int) -> Iterator[System]:
    """Every peer that has a model of that factor.

    Raises:
        SettingError: a file is missing.
    """
    cv2.setNumThreads(threads)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it tells how it tries to read its own files
    for title in OPENCV:
        path = peers / f"{title}_x{scale}.pb"
        if title == "LapSRN" and scale == 3:
            continue  # it doubles
        yield System(
            f"OpenCV {title}",
            "peer",
            scale,
            "fp32",
            _digest(path),
            network=lambda height, width, path=path: _opencv_network(path, height, width),
            picture=lambda path=path, title=title: _opencv(path, title, scale),
        )
    yield System(
        "OpenCV bicubic",
        "bicubic",
        scale,
        "8 bits",
        cv2.__version__,
        picture=lambda: lambda picture: _as(_resized(picture, scale), picture),
    )
    if scale in (2, 4):
        folder = peers / _WAIFU2X
        yield System(
            "waifu2x photo" if scale == 2 else "waifu2x photo, twice",
            "peer",
            scale,
            "fp32",
            _digest(folder / "scale2.0x_model.bin"),
            network=lambda height, width: _waifu2x_network(folder, scale, threads, height, width),
            picture=lambda: _waifu2x(folder, scale, threads),
        )


def _digest(path: Path) -> str:
    if not path.is_file():
        raise SettingError(f"{path} is not there", "give the folder that benchmarks/README.md describes as --peers")
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _opencv(path: Path, title: str, scale: int) -> Enlarger:
    """OpenCV's own pipeline, RGB in and out."""
    network = cv2.dnn_superres.DnnSuperResImpl_create()
    network.readModel(str(path))
    network.setModel(title.lower().partition("-")[0], scale)

    def enlarge(picture: Picture) -> Picture:
        large: Picture = network.upsample(np.ascontiguousarray(_rgb(picture)[..., ::-1]))[..., ::-1]
        return _as(large, picture)

    return enlarge


def _opencv_network(path: Path, height: int, width: int) -> Call:
    network = cv2.dnn.readNet(str(path))
    batch = input_plane(height, width)
    output = network.getUnconnectedOutLayersNames()[-1]

    def run() -> object:
        network.setInput(batch)
        return network.forward(output)

    return run


def _resized(picture: Picture, scale: int) -> Picture:
    size = (picture.shape[1] * scale, picture.shape[0] * scale)
    large: Picture = cv2.resize(_rgb(picture), size, interpolation=cv2.INTER_CUBIC)
    return large


def _ncnn(folder: Path, threads: int) -> Any:
    try:
        import ncnn
    except ImportError as error:
        raise SettingError("ncnn is not installed", "pip install -r benchmarks/requirements.txt") from error
    network = ncnn.Net()
    network.opt.use_vulkan_compute = False
    network.opt.num_threads = threads
    network.load_param(str(folder / "scale2.0x_model.param"))
    network.load_model(str(folder / "scale2.0x_model.bin"))
    return network


def _doubled(network: Any, planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """(3, H, W) with its border of 7 → (3, 2·(H − 14), 2·(W − 14)), all in 0–1."""
    import ncnn

    extractor = network.create_extractor()
    extractor.input("Input1", ncnn.Mat(planes))
    _, result = extractor.extract("Eltwise4")
    return np.array(result)


def _padded(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(np.pad(planes, ((0, 0), (_VALID, _VALID), (_VALID, _VALID)), mode="edge"))


def _waifu2x(folder: Path, scale: int, threads: int) -> Enlarger:
    network = _ncnn(folder, threads)

    def enlarge(picture: Picture) -> Picture:
        planes = np.ascontiguousarray(_rgb(picture).transpose(2, 0, 1), dtype=np.float32) / np.float32(255)
        for _ in range(scale // 2):
            planes = np.clip(_doubled(network, _padded(planes)), 0, 1)
        return _as(np.rint(planes.transpose(1, 2, 0) * 255).astype(np.uint8), picture)

    return enlarge


def _waifu2x_network(folder: Path, scale: int, threads: int, height: int, width: int) -> Call:
    network = _ncnn(folder, threads)
    start = _padded(input_plane(height, width, 3)[0])

    def run() -> object:
        planes = _doubled(network, start)
        for _ in range(scale // 2 - 1):
            planes = _doubled(network, _padded(planes))
        return planes

    return run


def _rgb(picture: Picture) -> Picture:
    return picture if picture.shape[2] == 3 else picture.repeat(3, axis=2)


def _as(large: Picture, picture: Picture) -> Picture:
    """A result in as many channels as the picture has."""
    return np.ascontiguousarray(large if picture.shape[2] == 3 else large[..., 1:2])
