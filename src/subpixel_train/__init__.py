"""Training, export and the recipe of every network that `subpixel` ships.

Needs PyTorch: `pip install 'subpixel[train]'`.
"""
