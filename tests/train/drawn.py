"""Pictures and a recipe that the tests make themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyvips

RECIPE = """
name: tiny
network: espcn
scale: 2
data:
  folders: [photos]
  crop: 24
  batch: 2
  epoch_steps: 10
  held_out: 1
optimiser:
  rate: 0.002
  clip: 1.0
epochs: 3
ema: 0.9
precision: 32-true
checkpoint_steps: 4
card:
  summary: "A test."
  training_data: ["drawn by the test"]
"""


def draw(height: int, width: int, seed: int) -> np.ndarray:
    """A picture with edges, gradients and texture: (H, W, 3) uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    picture = np.stack([x / width, y / height, (x + y) / (width + height)], 2) * 200
    for _ in range(12):
        cy, cx, radius = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(0.05, 0.3) * height
        picture[np.hypot(y - cy, x - cx) < radius] = rng.uniform(0, 255, 3)
    picture += 20 * np.sin(x / 2 + y / 3)[..., None]
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pyvips.Image.new_from_array(pixels, interpretation="srgb").write_to_file(str(path))
