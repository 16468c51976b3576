from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from subpixel_train.reference import table

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "train.md"


def test_the_page_lists_every_setting_as_it_is() -> None:
    assert table() in PAGE.read_text(encoding="utf-8"), "renew the table: python -m subpixel_train.reference"
