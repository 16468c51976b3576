"""An engine without a runtime, for tests: every network enlarges by repeating samples."""

from __future__ import annotations

from subpixel.engines.base import Batch, EngineSettings, Runner
from subpixel.types import NetworkFile


class FakeEngine:
    """Nearest-neighbour enlargement in place of any network; exact, quick, and the same everywhere."""

    def load(self, network: NetworkFile, settings: EngineSettings) -> Runner:
        """See `Engine.load`."""

        def run(batch: Batch) -> Batch:
            return batch.repeat(network.scale, axis=2).repeat(network.scale, axis=3)

        return run
