"""Training data: folders of photographs → pairs → batches."""

from __future__ import annotations

from subpixel_train.data.batches import Batch, Batches, Crops, Squares, Tiles, Wholes
from subpixel_train.data.device import DeviceCrops
from subpixel_train.data.examples import Cut, Example, Geometry, Pair, Picture, make_picture
from subpixel_train.data.folders import DATA_VARIABLE, data_root, pictures, read_rgb
from subpixel_train.data.loading import make_batches
from subpixel_train.data.pairs import benchmark_pairs, drawn_pairs, held_out_pairs, inputs
from subpixel_train.data.photographs import FilePhotograph, PairPhotograph, Photograph, read_all
from subpixel_train.data.prefetch import Prefetch
from subpixel_train.data.settings import DataSettings
from subpixel_train.data.sources import training_photographs

__all__ = [
    "DATA_VARIABLE",
    "Batch",
    "Batches",
    "Crops",
    "Cut",
    "DataSettings",
    "DeviceCrops",
    "Example",
    "FilePhotograph",
    "Geometry",
    "Pair",
    "PairPhotograph",
    "Photograph",
    "Picture",
    "Prefetch",
    "Squares",
    "Tiles",
    "Wholes",
    "benchmark_pairs",
    "data_root",
    "drawn_pairs",
    "held_out_pairs",
    "inputs",
    "make_batches",
    "make_picture",
    "pictures",
    "read_all",
    "read_rgb",
    "training_photographs",
]
