from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from subpixel_train.losses import LOSSES, charbonnier, mae, mse, psnr  # noqa: E402


def test_values_by_hand() -> None:
    result, target = torch.tensor([[0.0, 0.5]]), torch.tensor([[0.3, 0.1]])
    assert mse(result, target).item() == pytest.approx((0.09 + 0.16) / 2)
    assert mae(result, target).item() == pytest.approx((0.3 + 0.4) / 2)
    assert charbonnier(result, target).item() == pytest.approx((0.3 + 0.4) / 2, abs=1e-5)


@pytest.mark.parametrize("name", list(LOSSES))
def test_equal_pictures_have_no_loss_and_a_finite_gradient(name: str) -> None:
    result = torch.full((1, 1, 4, 4), 0.5, requires_grad=True)
    loss = LOSSES[name](result, torch.full((1, 1, 4, 4), 0.5))
    loss.backward()
    assert loss.item() == pytest.approx(-4 if name == "psnr" else 0, abs=1.1e-3)
    assert result.grad is not None and torch.isfinite(result.grad).all()


def test_psnr_counts_pictures_alike_and_floors_at_40_decibels() -> None:
    target = torch.zeros(2, 1, 4, 4)
    result = torch.stack([torch.full((1, 4, 4), 0.1), torch.full((1, 4, 4), 0.01)])
    assert psnr(result, target).item() == pytest.approx((-2 + -3.69897) / 2, abs=5e-3)
    assert psnr(target, target).item() == pytest.approx(-4)
