"""An engine without a runtime, for tests: every network enlarges by repeating samples."""

from __future__ import annotations

from subpixel.engines.base import Batch, EngineSettings, Runner
from subpixel.types import NetworkFile


class FakeEngine:
    """Nearest-neighbour enlargement in place of any network; exact, quick, and the same everywhere."""

    def load(self, network: NetworkFile, settings: EngineSettings) -> Runner:
        """See `Engine.load`."""
        scales = [scale for scale in network.scales if scale in (settings.scales or network.scales)]

        def run(batch: Batch) -> tuple[Batch, ...]:
            return tuple(batch.repeat(scale, axis=2).repeat(scale, axis=3) for scale in scales)

        return run
