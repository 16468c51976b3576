"""Degradations do what their values say, are functions of picture and generator, and end at exactly the small size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from drawn import draw

from subpixel_train.data import Crops, DataSettings, Geometry
from subpixel_train.data.degrade import (
    Blur,
    Blurred,
    Compressed,
    Degradation,
    Jpeg,
    Noise,
    Noisy,
    Pipeline,
    Resize,
    Resized,
    Step,
    Webp,
    apply,
)
from subpixel_train.data.degrade.resize import resize
from subpixel_train.data.examples import Degraded, make_example, make_picture
from subpixel_train.data.pixels import planes, reduce

PHOTOGRAPH = planes(draw(96, 120, 5))
EVERY = (
    Blur(),
    Resize(kernel=["bicubic", "bilinear", "area", "lanczos", "nearest"], size=(0.5, 2)),
    Noise(model=["gaussian", "poisson"]),
    Jpeg(),
    Webp(),
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(EVERY), min_size=1, max_size=4),
    st.integers(1, 2),
    st.booleans(),
    st.integers(0, 2**32),
    st.sampled_from([(24, 30), (32, 40), (48, 60)]),
)
def test_any_pipeline_is_a_function_of_its_generator_and_ends_at_the_small_size(
    steps: list[Step], rounds: int, shuffled: bool, seed: int, size: tuple[int, int]
) -> None:
    pipeline = Pipeline(tuple(steps), rounds, shuffled)
    first, again = (pipeline(PHOTOGRAPH, size, np.random.default_rng(seed)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (3, *size) and first.dtype == np.float32
    np.testing.assert_array_equal(np.rint(first * 255) / np.float32(255), first)


@pytest.mark.parametrize("step", EVERY, ids=lambda step: step.kind)
def test_every_step_draws_anew_and_says_what_it_drew(step: Step) -> None:
    rng = np.random.default_rng(0)
    drawn = [step.draw(rng) for _ in range(20)]
    assert len({operation.caption for operation in drawn}) > 5
    before = PHOTOGRAPH.copy()
    assert not np.array_equal(drawn[0](PHOTOGRAPH, (48, 60)), PHOTOGRAPH)
    np.testing.assert_array_equal(before, PHOTOGRAPH)


def test_reducing_alone_is_the_protocol() -> None:
    for steps in ((Resize(),), (Resize(chance=1e-9),)):
        small = Pipeline(steps)(PHOTOGRAPH, (24, 30), np.random.default_rng(0))
        np.testing.assert_array_equal(small, reduce(PHOTOGRAPH, 4))


def test_without_a_resize_the_reduction_comes_first() -> None:
    (first, second) = Pipeline((Jpeg(),)).draw(np.random.default_rng(0))
    assert isinstance(first, Resized) and isinstance(second, Compressed)
    assert [
        operation.caption.split()[0] for operation in Pipeline((Jpeg(), Resize())).draw(np.random.default_rng(0))
    ] == [
        "JPEG",
        "bicubic",
    ]


def test_rounds_repeat_the_list_and_shuffling_changes_its_order() -> None:
    steps = (Resize(), Jpeg(), Webp(), Blur())
    kinds = [type(operation) for operation in Pipeline(steps, rounds=2).draw(np.random.default_rng(0))]
    assert kinds == [Resized, Compressed, Compressed, Blurred] * 2
    orders = {
        tuple(type(operation) for operation in Pipeline(steps, shuffled=True).draw(np.random.default_rng(seed)))
        for seed in range(30)
    }
    assert len(orders) > 6


def test_a_step_is_taken_by_its_chance() -> None:
    pipeline = Pipeline((Resize(), Jpeg(chance=0.25)))
    taken = sum(len(pipeline.draw(np.random.default_rng(seed))) - 1 for seed in range(400))
    assert 60 < taken < 140


def test_blur_keeps_levels_and_has_the_deviations_it_says() -> None:
    flat = np.full((3, 40, 40), 0.3, np.float32)
    np.testing.assert_allclose(Blurred(2.0, 0.7, 0.5)(flat, (10, 10)), flat, atol=1e-6)
    dot = np.zeros((3, 61, 61), np.float32)
    dot[:, 30, 30] = 1
    spread = Blurred(3.0, 1.0, np.pi / 6)(dot, (10, 10))[0].astype(np.float64)
    y, x = np.mgrid[-30:31, -30:31]
    forward, sideways = x * np.cos(np.pi / 6) + y * np.sin(np.pi / 6), y * np.cos(np.pi / 6) - x * np.sin(np.pi / 6)
    assert spread.sum() == pytest.approx(1, abs=1e-5)
    assert np.sqrt((spread * forward**2).sum()) == pytest.approx(3, rel=0.02)
    assert np.sqrt((spread * sideways**2).sum()) == pytest.approx(1, rel=0.02)
    assert (spread * x).sum() == pytest.approx(0, abs=1e-5), "nothing moves"


def test_blur_mirrors_at_the_border() -> None:
    rgb = PHOTOGRAPH[:, :30, :40]
    mirrored = np.pad(rgb, ((0, 0), (20, 20), (20, 20)), mode="symmetric")
    blurred = Blurred(1.5, 1.5, 0.0)
    inside = blurred(mirrored, (1, 1))[:, 20:-20, 20:-20]
    np.testing.assert_allclose(blurred(rgb, (1, 1)), inside, atol=1e-6)


def test_noise_has_the_strength_it_says() -> None:
    grey = np.full((3, 200, 200), 0.5, np.float32)
    colourful = Noisy("gaussian", 10.0, grey=False, seed=1)(grey, (1, 1)) - grey
    assert colourful.std() * 255 == pytest.approx(10, rel=0.02) and abs(colourful.mean()) * 255 < 0.2
    assert abs(np.corrcoef(colourful[0].ravel(), colourful[1].ravel())[0, 1]) < 0.02
    same = Noisy("gaussian", 10.0, grey=True, seed=1)(grey, (1, 1)) - grey
    np.testing.assert_array_equal(same[0], same[2])


def test_poisson_noise_grows_with_light() -> None:
    for grey in (False, True):
        deviations = []
        for light in (0.1, 0.4):
            flat = np.full((3, 200, 200), light, np.float32)
            deviations.append((Noisy("poisson", 1.0, grey, seed=2)(flat, (1, 1)) - flat).std())
            assert deviations[-1] == pytest.approx(np.sqrt(light / 255), rel=0.03)
        assert deviations[1] == pytest.approx(2 * deviations[0], rel=0.05)


def test_compression_loses_more_at_lower_quality_and_colour_by_subsampling() -> None:
    for form in ("jpeg", "webp"):
        errors = [np.abs(Compressed(form, quality)(PHOTOGRAPH, (1, 1)) - PHOTOGRAPH).mean() for quality in (10, 50, 95)]
        assert errors == sorted(errors, reverse=True) and errors[0] > 2 * errors[2] > 0
    fine = PHOTOGRAPH.copy()
    fine[0, :, ::2] = 1 - fine[0, :, ::2]  # columns of alternating colour: what half the resolution cannot show
    losses = [np.abs(Compressed("jpeg", 95, way)(fine, (1, 1)) - fine).mean() for way in ("4:2:0", "4:4:4")]
    assert losses[0] > 2 * losses[1]


@pytest.mark.parametrize("kernel", ["bicubic", "bilinear", "area", "lanczos", "nearest"])
@pytest.mark.parametrize("antialias", [True, False])
def test_kernels_keep_levels_and_do_not_shift(kernel: str, antialias: bool) -> None:
    flat = np.full((3, 33, 40), 0.7, np.float32)
    for height, width in ((11, 13), (50, 64)):
        np.testing.assert_allclose(resize(flat, height, width, kernel, antialias), 0.7, atol=1e-5)
    ramp = np.broadcast_to(np.linspace(0.2, 0.8, 60, dtype=np.float32), (3, 60, 60))
    reduced = resize(np.ascontiguousarray(ramp), 20, 20, kernel, antialias)
    np.testing.assert_allclose(reduced[:, :, 5:-5], ramp.reshape(3, 60, 20, 3).mean(3)[:, :20, 5:-5], atol=0.006)


def test_kernels_are_what_their_names_say() -> None:
    blocks = PHOTOGRAPH.reshape(3, 24, 4, 30, 4).mean((2, 4))
    np.testing.assert_allclose(resize(PHOTOGRAPH, 24, 30, "area"), blocks, atol=1e-5)
    np.testing.assert_array_equal(resize(PHOTOGRAPH, 32, 40, "nearest"), PHOTOGRAPH[:, 1::3, 1::3])
    np.testing.assert_array_equal(resize(PHOTOGRAPH, 24, 30, "bicubic"), np.clip(reduce_exactly(PHOTOGRAPH, 4), 0, 1))
    jagged = resize(PHOTOGRAPH, 24, 30, "bilinear", antialias=False)
    assert not np.allclose(jagged, resize(PHOTOGRAPH, 24, 30, "bilinear"), atol=0.02)


def reduce_exactly(picture: np.ndarray, factor: int) -> np.ndarray:
    from subpixel.image import resample

    return resample.resize(picture, picture.shape[1] // factor, picture.shape[2] // factor)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"kind": "jpeg", "quality": [90, 20]}, "from 90 to 20 is no range"),
        ({"kind": "webp", "quality": [0, 20]}, "encoders know 1 to 100"),
        ({"kind": "jpeg", "qualty": [20, 90]}, "Extra inputs"),
        ({"kind": "blurr"}, "does not match any of the expected tags"),
        ({"kind": "resize", "size": [0, 1]}, "give multiples above 0"),
        ({"kind": "noise", "chance": 1.5}, "less than or equal to 1"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TypeAdapter(Degradation).validate_python(values)


def test_crops_of_degraded_pictures_are_what_a_clean_crop_would_be() -> None:
    rgb, geometry = draw(200, 240, 7), Geometry((4,), 0, channels=3, scale=4)
    clean = make_picture("a", rgb, (4,))
    degraded = make_example("a", rgb, geometry, (4,), pipeline=Pipeline((Resize(),)))
    assert isinstance(degraded, Degraded) and degraded.shape == clean.shape == (50, 60)
    for top, left in ((0, 0), (11, 23), (34, 44)):
        one, other = (example.cut(geometry, top, left, 16, 16, (1, 2)) for example in (clean, degraded))
        np.testing.assert_array_equal(one.targets[0], other.targets[0])
        assert np.abs(one.input - other.input).max() <= 1.01 / 255
        assert (one.input != other.input).mean() < 0.01


def test_degraded_input_for_networks_on_enlarged_luma_lies_right() -> None:
    rgb, geometry = draw(120, 150, 7), Geometry((1,), 4, channels=1, enlarged=True, scale=3)
    clean = make_example("a", rgb, geometry, (3,))
    degraded = make_example("a", rgb, geometry, (3,), pipeline=Pipeline((Resize(),)))
    assert clean.shape == degraded.shape == (120, 150)
    for top, left in ((0, 0), (31, 47), (87, 117)):
        one, other = (example.cut(geometry, top, left, 33, 33, (1,)) for example in (clean, degraded))
        np.testing.assert_array_equal(one.targets[0], other.targets[0])
        assert np.abs(one.input - other.input).max() < 2 / 255


def test_the_grid_of_jpeg_lies_anywhere_on_a_crop() -> None:
    geometry = Geometry((2,), 0, channels=3, scale=2)
    pipeline = Pipeline((Jpeg(quality=(10, 10), subsampling="4:4:4"),))
    degraded = make_example("a", draw(200, 240, 7), geometry, (2,), pipeline=pipeline)
    inputs = [degraded.cut(geometry, 40, 40, 24, 24, (0, key)).input for key in range(200)]
    assert len({crop.tobytes() for crop in inputs}) > 50, "nothing but the place of the 8×8 grid is random: 64 places"


def test_every_degraded_crop_differs_and_follows_from_seed_and_step() -> None:
    geometry = Geometry((2,), 0, channels=3, scale=2)
    pipeline = Pipeline((Resize(), Noise(), Jpeg()))
    examples = [make_example("a", draw(60, 70, 7), geometry, (2,), pipeline=pipeline)]

    def crops(seed: int) -> Crops:
        return Crops(examples, geometry, crop=24, size=8, epoch_steps=5, flat=0.2, seed=seed)

    batch, again = crops(3).batch(11), crops(3).batch(11)
    np.testing.assert_array_equal(batch.small, again.small)
    clean = [make_example("a", draw(60, 70, 7), geometry, (2,))]
    same = Crops(clean, geometry, crop=24, size=8, epoch_steps=5, flat=0.2, seed=3).batch(11)
    np.testing.assert_array_equal(batch.targets[0], same.targets[0])
    assert not np.array_equal(batch.small, same.small)


def test_two_outputs_keep_clean_targets() -> None:
    rgb, geometry = draw(80, 96, 7), Geometry((2, 4), 0, channels=3, scale=4)
    degraded = make_example("a", rgb, geometry, (2, 4), pipeline=Pipeline((Jpeg(),)))
    cut = degraded.cut(geometry, 3, 4, 12, 12, (0,))
    clean = make_picture("a", rgb, (2, 4)).cut(geometry, 3, 4, 12, 12, (0,))
    for one, other in zip(cut.targets, clean.targets, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_was_drawn_can_be_done_again() -> None:
    drawn = Pipeline(EVERY, rounds=2, shuffled=True).draw(np.random.default_rng(4))
    np.testing.assert_array_equal(apply(drawn, PHOTOGRAPH, (24, 30)), apply(drawn, PHOTOGRAPH, (24, 30)))


def test_recipes_list_degradations() -> None:
    made = DataSettings.model_validate(
        {
            "folders": ["a"],
            "degrade": [{"kind": "blur", "sigma": [0.2, 1]}, {"kind": "resize"}, {"kind": "jpeg", "chance": 0.5}],
            "degrade_rounds": 2,
        }
    )
    pipeline = made.pipeline()
    assert pipeline is not None and [step.kind for step in pipeline.steps] == ["blur", "resize", "jpeg"]
    assert pipeline.rounds == 2 and DataSettings(folders=["a"]).pipeline() is None
    assert DataSettings.model_validate(made.model_dump(mode="json")) == made
