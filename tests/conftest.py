"""What holds for all tests."""

from __future__ import annotations

import os

if "PYTEST_XDIST_WORKER" in os.environ:
    # Processes that compute side by side must not have as many threads each as there are cores: threads that wait for
    # one another wait spinning, and take the cores from those that would let them go on.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
