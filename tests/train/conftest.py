from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn import RECIPE, draw, save


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with `photos/`, six drawn pictures, and `benchmark/Drawn` with one test pair at ×2 and ×3."""
    from subpixel_train.data.pixels import planes, reduce

    root = tmp_path_factory.mktemp("data")
    for index in range(6):
        save(root / "photos" / f"{index}.png", draw(72 + index, 80, index))
    for scale in (2, 3):
        large = draw(60, 72, 99)
        small = np.rint(reduce(planes(large), scale) * 255).astype(np.uint8).transpose(1, 2, 0)
        save(root / "benchmark" / "Drawn" / "HR" / f"x{scale}" / "a.png", large)
        save(root / "benchmark" / "Drawn" / "LR" / f"x{scale}" / "a.png", np.ascontiguousarray(small))
    return root


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return path
