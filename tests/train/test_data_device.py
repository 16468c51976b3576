"""Pictures in an accelerator's memory give the batches that the host gives; here the accelerator is the CPU."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

import torch
from drawn import draw

from subpixel_train.data import Batch, Crops, DataSettings, DeviceCrops, Geometry, Prefetch, make_batches
from subpixel_train.data.degrade import Jpeg, Pipeline
from subpixel_train.data.device import fits
from subpixel_train.data.examples import make_example, make_picture
from subpixel_train.data.pack import Pack, write_pack
from subpixel_train.data.prefetch import spare_cores
from subpixel_train.data.sources import photographs_of
from subpixel_train.networks import build

CPU = torch.device("cpu")
GEOMETRIES = {
    "RGB": Geometry((2,), 0, channels=3, scale=2),
    "luma without padding": Geometry((3,), 5, channels=1, scale=3),
    "two outputs": Geometry((2, 4), 0, channels=3, scale=4),
}


def crops_for(geometry: Geometry, **changes: object) -> Crops:
    pictures = [make_picture(str(i), draw(90 + 7 * i, 130 - 5 * i, i), geometry.steps) for i in range(4)]
    values = {"crop": 16, "size": 24, "epoch_steps": 3, "flat": 0.2, "seed": 5, **changes}
    return Crops(pictures, geometry, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", GEOMETRIES)
def test_the_device_gives_the_batches_of_the_host_bit_for_bit(name: str) -> None:
    crops = crops_for(GEOMETRIES[name])
    device = DeviceCrops(crops, CPU)
    assert device.steps_per_epoch == crops.steps_per_epoch
    for step in (0, 1, 7):
        expected, got = crops.batch(step), device.batch(step)
        assert isinstance(got.small, torch.Tensor) and got.small.dtype == torch.float32
        np.testing.assert_array_equal(got.small.numpy(), expected.small)
        for one, other in zip(got.targets, expected.targets, strict=True):
            np.testing.assert_array_equal(torch.as_tensor(one).numpy(), other)


def test_flat_places_are_drawn_again_on_the_device_too() -> None:
    crops = crops_for(GEOMETRIES["RGB"], threshold=lambda epoch: 0.1, flat=0.0)
    np.testing.assert_array_equal(torch.as_tensor(DeviceCrops(crops, CPU).batch(2).small).numpy(), crops.batch(2).small)


def test_pictures_of_a_pack_go_to_the_device(photos: Path, tmp_path: Path) -> None:
    write_pack(photographs_of(photos / "photos"), tmp_path / "set.pack")
    settings = DataSettings(folders=["set.pack"], crop=16, batch=4)
    crops = make_batches(Pack(tmp_path / "set.pack").photographs(), settings, build("rdn", 2), seed=0, device=CPU)
    assert isinstance(crops, Crops), "on a CPU the host's way is the quicker one"
    np.testing.assert_array_equal(torch.as_tensor(DeviceCrops(crops, CPU).batch(0).small).numpy(), crops.batch(0).small)


def test_only_clean_pictures_of_8_bits_fit() -> None:
    geometry = GEOMETRIES["RGB"]
    assert fits(crops_for(geometry), CPU)
    degraded = [make_example("a", draw(60, 60, 0), geometry, (2,), pipeline=Pipeline((Jpeg(),)))]
    enlarged = Geometry((1,), 0, channels=1, enlarged=True, scale=2)
    pairs = [make_example("a", draw(60, 60, 0), enlarged, (2,))]
    for examples, how in ((degraded, geometry), (pairs, enlarged)):
        assert not fits(Crops(examples, how, crop=16, size=2, epoch_steps=2, flat=0, seed=0), CPU)


def test_threads_take_the_cores_that_the_network_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    for cores, processes, threads in ((1, 1, 1), (4, 1, 1), (8, 1, 4), (64, 1, 8), (32, 4, 4)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda process, cores=cores: set(range(cores)), raising=False)
        monkeypatch.setenv("LOCAL_WORLD_SIZE", str(processes))
        assert spare_cores() == threads


def test_waiting_for_batches_is_measured() -> None:
    class Slow(Crops):
        def batch(self, step: int) -> Batch:
            time.sleep(0.05)
            return super().batch(step)

    geometry = GEOMETRIES["RGB"]
    slow = Slow([make_picture("a", draw(60, 60, 0), (2,))], geometry, crop=8, size=1, epoch_steps=2, flat=0, seed=0)
    with Prefetch(slow, range(3), depth=1) as ahead:
        for _ in range(3):
            ahead.next()
        assert 0.1 <= ahead.waited < 10


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("name", GEOMETRIES)
def test_a_gpu_gives_the_batches_of_the_host_bit_for_bit(name: str) -> None:
    crops = crops_for(GEOMETRIES[name])
    device = DeviceCrops(crops, torch.device("cuda"))
    for step in (0, 3):
        expected, got = crops.batch(step), device.batch(step)
        np.testing.assert_array_equal(torch.as_tensor(got.small).cpu().numpy(), expected.small)
        for one, other in zip(got.targets, expected.targets, strict=True):
            np.testing.assert_array_equal(torch.as_tensor(one).cpu().numpy(), other)
