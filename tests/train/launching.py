"""What processes that tests start are given."""

from __future__ import annotations

import os


def environment() -> dict[str, str]:
    """Without what a launcher around the tests, or a test before, may have set."""
    places = ("MASTER_", "LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "RANK", "TORCHELASTIC")
    return {key: value for key, value in os.environ.items() if not key.startswith(places)} | {"OMP_NUM_THREADS": "1"}
