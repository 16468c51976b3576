"""Training, export and the recipes of every network that `subpixel` ships. Needs PyTorch: `pip install 'subpixel[train]'`."""
