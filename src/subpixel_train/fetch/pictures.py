"""Data sets that can be fetched.

Sizes and digests are those that other projects publish for the same addresses: TensorFlow Datasets (DIV2K, VOC 2007)
and several reproductions of papers (BSDS300, BSDS500, EDSR's benchmark archive). Nobody publishes any for the archive
that holds T91 and General100.
"""

from __future__ import annotations

from typing import Final

from subpixel_train.fetch.entries import Digest, Download, Folder, Pictures

_BERKELEY: Final = "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision"
_BSDS_LICENCE: Final = "research and education, not commercial"
_RESEARCH: Final = "not stated; used in research"

_LAPSRN: Final = Download(
    "SR_training_datasets.zip",
    (
        "http://vllab.ucmerced.edu/wlai24/LapSRN/results/SR_training_datasets.zip",
        "http://vllab1.ucmerced.edu/~wlai24/LapSRN/results/SR_training_datasets.zip",
    ),
    archive="zip",
)
_EDSR: Final = Download(
    "benchmark.tar",
    ("https://cv.snu.ac.kr/research/EDSR/benchmark.tar",),
    250_112_000,
    Digest("sha256", "80c21c333bbf6ceb5308b7243761f8284478274413a97b96f1d63e9045fd93e8"),
    "tar",
)


def _benchmark(name: str, inside: str, pictures: int, licence: str) -> Pictures:
    folder = Folder(inside, f"benchmark/{name}", pictures)
    title = f"{name}, benchmark pairs ×2, ×3, ×4 (EDSR's archive)"
    return Pictures(name.lower(), title, _EDSR, (folder,), licence, pairs=True)


def _div2k(name: str, file: str, inside: str, pictures: int, size: int, sha256: str) -> Pictures:
    address = f"https://data.vision.ee.ethz.ch/cvl/DIV2K/{file}"
    small = inside.rpartition("/")[2].lower() if "/" in inside else ""
    part, kind = ("training", "train") if "train" in file else ("validation", "valid")
    what = f"small by bicubic, {small.replace('x', '×')}" if small else "large"
    return Pictures(
        name,
        f"DIV2K, {pictures} {part} pictures, {what}",
        Download(file, (address,), size, Digest("sha256", sha256), "zip"),
        (Folder(inside, f"{kind}/div2k{f'-{small}' if small else ''}", pictures),),
        "research, not commercial",
    )


PICTURES: Final[tuple[Pictures, ...]] = (
    Pictures(
        "bsds300",
        "BSDS300, 200 training and 100 test photographs",
        Download(
            "BSDS300-images.tgz",
            (
                f"{_BERKELEY}/grouping/segbench/BSDS300-images.tgz",
                f"{_BERKELEY}/bsds/BSDS300-images.tgz",
            ),
            None,
            Digest("sha256", "a5f7d0e49fe135c75518a3543ced24470156fd69305ae77845dff2a5138652b4"),
            "tar",
        ),
        (Folder("images/train", "train/bsds300-train", 200), Folder("images/test", "test/bsds300-test", 100)),
        _BSDS_LICENCE,
    ),
    Pictures(
        "bsds500",
        "BSDS500, 200 training, 100 validation (= BSD100), 200 test photographs",
        Download(
            "BSR_bsds500.tgz",
            (f"{_BERKELEY}/grouping/BSR/BSR_bsds500.tgz",),
            70_763_455,
            Digest("sha256", "97e49d31764f3912f0c4122707d53062ac9e783ba0f095e447a4d53c1a41af8e"),
            "tar",
        ),
        (
            Folder("images/train", "train/bsds500-train", 200),
            Folder("images/test", "train/bsds500-test", 200),
            Folder("images/val", "test/bsds500-val", 100),
        ),
        _BSDS_LICENCE,
    ),
    Pictures("t91", "T91, the 91 pictures of Yang et al.", _LAPSRN, (Folder("T91", "train/t91", 91),), _RESEARCH),
    Pictures(
        "general100",
        "General100, the 100 pictures of FSRCNN",
        _LAPSRN,
        (Folder("General100", "train/general100", 100),),
        _RESEARCH,
    ),
    Pictures(
        "voc2007",
        "PASCAL VOC 2007, 5,011 training photographs",
        Download(
            "VOCtrainval_06-Nov-2007.tar",
            (
                "https://host.robots.ox.ac.uk/pascal/VOC/voc2007/VOCtrainval_06-Nov-2007.tar",
                "http://host.robots.ox.ac.uk/pascal/VOC/voc2007/VOCtrainval_06-Nov-2007.tar",
                "https://pjreddie.com/media/files/VOCtrainval_06-Nov-2007.tar",
            ),
            460_032_000,
            Digest("sha256", "7d8cd951101b0957ddfd7a530bdc8a94f06121cfc1e511bb5937e973020c7508"),
            "tar",
        ),
        (Folder("VOC2007/JPEGImages", "train/voc2007", 5011),),
        "Flickr's terms of use",
    ),
    _div2k(
        "div2k",
        "DIV2K_train_HR.zip",
        "DIV2K_train_HR",
        800,
        3_530_603_713,
        "9d0b9c463f6e35b6c62cc6a930ee2224f670b34c1df841a57670f9acf0f6c335",
    ),
    _div2k(
        "div2k-x2",
        "DIV2K_train_LR_bicubic_X2.zip",
        "DIV2K_train_LR_bicubic/X2",
        800,
        925_390_592,
        "a53a424317575838dadce4bcd97cf7b744d6855f43740ed5f0245af3cf4bd850",
    ),
    _div2k(
        "div2k-x3",
        "DIV2K_train_LR_bicubic_X3.zip",
        "DIV2K_train_LR_bicubic/X3",
        800,
        427_847_282,
        "ad5c8e5507e2765823d3c2c5bd0934842efcd487c5370604c224090898b3163a",
    ),
    _div2k(
        "div2k-x4",
        "DIV2K_train_LR_bicubic_X4.zip",
        "DIV2K_train_LR_bicubic/X4",
        800,
        246_914_039,
        "f006b837f4eb52b82909aa01478e6d6d199eefce932179491d0c9dbb706dde3a",
    ),
    _div2k(
        "div2k-valid",
        "DIV2K_valid_HR.zip",
        "DIV2K_valid_HR",
        100,
        448_993_893,
        "20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc",
    ),
    _div2k(
        "div2k-valid-x2",
        "DIV2K_valid_LR_bicubic_X2.zip",
        "DIV2K_valid_LR_bicubic/X2",
        100,
        117_763_600,
        "60eed9875c697df51204aa579e2a699e1d5215095788a097ff54dd17e2664d57",
    ),
    _div2k(
        "div2k-valid-x3",
        "DIV2K_valid_LR_bicubic_X3.zip",
        "DIV2K_valid_LR_bicubic/X3",
        100,
        54_513_392,
        "04b9a2ed3b4a0715d3924d3ae8514830c3328fac8d30512ce716d6f419e052a3",
    ),
    _div2k(
        "div2k-valid-x4",
        "DIV2K_valid_LR_bicubic_X4.zip",
        "DIV2K_valid_LR_bicubic/X4",
        100,
        31_505_881,
        "a50a5d1c4b88de4e8d300d8fb2b904c52fe93b2b298a4899697760d7cbb6d553",
    ),
    _benchmark("Set5", "Set5", 5, _RESEARCH),
    _benchmark("Set14", "Set14", 14, _RESEARCH),
    _benchmark("BSD100", "B100", 100, _BSDS_LICENCE),
    _benchmark("Urban100", "Urban100", 100, _RESEARCH),
)
