"""Measuring: PSNR and SSIM by the usual protocol, benchmark sets, tables, and sheets to compare by eye."""

from subpixel.measure.evaluation import Enlarger, PictureScore, SetScore, evaluate, mean_scores, score_picture
from subpixel.measure.methods import BICUBIC, NEAREST, bicubic, model, models_of_scale, nearest
from subpixel.measure.quality import luma, psnr, ssim
from subpixel.measure.reading import read_pixels
from subpixel.measure.sets import (
    BENCHMARKS,
    DATA_VARIABLE,
    Benchmark,
    Pair,
    PictureSet,
    available,
    benchmark_set,
    data_folder,
    folder_set,
    reduce,
)

__all__ = [
    "BENCHMARKS",
    "BICUBIC",
    "DATA_VARIABLE",
    "NEAREST",
    "Benchmark",
    "Enlarger",
    "Pair",
    "PictureScore",
    "PictureSet",
    "SetScore",
    "available",
    "benchmark_set",
    "bicubic",
    "data_folder",
    "evaluate",
    "folder_set",
    "luma",
    "mean_scores",
    "model",
    "models_of_scale",
    "nearest",
    "psnr",
    "read_pixels",
    "reduce",
    "score_picture",
    "ssim",
]
