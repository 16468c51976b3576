"""What holds for all tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

if "PYTEST_XDIST_WORKER" in os.environ:
    # Processes that compute side by side must not have as many threads each as there are cores: threads that wait for
    # one another wait spinning, and take the cores from those that would let them go on.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes depends on what else the computer does: it is no property of what is tested.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")
