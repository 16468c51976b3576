"""The training loop, its state on disk and what it shows."""
