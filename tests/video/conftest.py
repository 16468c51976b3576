from __future__ import annotations

from collections.abc import Iterator

import pytest

from subpixel.upscaler import Upscaler


@pytest.fixture(scope="package")
def swift() -> Iterator[Upscaler]:
    """The quickest networks, on one thread."""
    with Upscaler("swift", threads=1) as upscaler:
        yield upscaler
