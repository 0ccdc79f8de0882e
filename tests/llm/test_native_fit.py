"""Quantizing in C against quantizing in torch: the same codes, the same error, the same refusals."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.llm import native_fit
from desktop.llm.kernels_native import Library
from desktop.llm.native_fit import fit, fit_in_torch
from desktop.llm.quantize import quantize


@pytest.fixture(scope="module", autouse=True)
def _compiled(compiled: Library) -> None:
    """The code as it is now, not as it was when Glassbox was installed."""
    patch = pytest.MonkeyPatch()
    patch.setattr(native_fit, "library", lambda: compiled)
    assert native_fit.compiled() is not None
    yield
    patch.undo()


def matrix(rows: int = 48, columns: int = 512, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)) * 0.02


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("how", ["mse", "minmax"])
@pytest.mark.parametrize(("bits", "group"), [(4, 16), (4, 64), (4, 256), (8, 32), (8, 128)])
def test_codes_are_those_of_torch(dtype: torch.dtype, how: str, bits: int, group: int) -> None:
    weight = matrix().to(dtype)
    ours, theirs = fit(weight, bits, group, how), fit_in_torch(weight, bits, group, how)  # type: ignore[arg-type]
    for part in ("packed", "scales", "offsets"):
        same = getattr(ours.stored, part) == getattr(theirs.stored, part)
        assert same.float().mean() > 0.999  # sums are added in another order
    assert ours.squared == pytest.approx(theirs.squared, rel=1e-4)
    assert ours.total == pytest.approx(theirs.total, rel=1e-6)
    assert ours.largest == pytest.approx(theirs.largest, rel=0.02)


@settings(max_examples=60, deadline=None)
@given(
    bits=st.sampled_from([4, 8]),
    group=st.sampled_from([16, 64]),
    seed=st.integers(0, 1000),
    scale=st.floats(1e-6, 1e6),
    outlier=st.floats(-1e3, 1e3),
)
def test_as_good_as_torch_and_never_worse_than_min_and_max(
    bits: int, group: int, seed: int, scale: float, outlier: float
) -> None:
    weight = matrix(4, 128, seed)
    weight[0, 3] = outlier
    weight *= scale
    ours = fit(weight, bits, group)
    assert ours.squared <= fit_in_torch(weight, bits, group).squared * (1 + 1e-3)
    assert ours.squared <= fit(weight, bits, group, "minmax").squared * (1 + 1e-6)
    difference = weight - ours.stored.dequantize()
    assert float(difference.double().square().sum()) == pytest.approx(ours.squared, rel=1e-3)
    assert float(difference.abs().max()) == pytest.approx(ours.largest, rel=1e-3)


def test_rows_that_follow_each_other_anywhere_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_fit, "WEIGHTS_AT_ONCE", 3 * 64)
    wide = matrix(10, 128)
    for weight in (wide[:, 64:], wide.t()[:64, :].t(), wide[3:4, :64]):
        made = fit(weight, 4, 64)
        wanted = quantize(weight.contiguous(), 4, 64)
        assert torch.equal(made.stored.unpacked().codes, wanted.codes)


def test_groups_without_spread_are_exact() -> None:
    weight = torch.zeros(3, 64)
    weight[1], weight[2] = 0.5, -3.0
    made = fit(weight, 4, 32)
    assert torch.equal(made.stored.dequantize(), weight)
    assert made.squared == made.largest == 0.0


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("place", [(0, 0), (7, 127), (3, 64)])
def test_weights_that_are_not_finite_are_refused(wrong: float, place: tuple[int, int]) -> None:
    weight = matrix(8, 128)
    weight[place] = wrong
    with pytest.raises(ValueError, match="finite"):
        fit(weight, 4, 64)


def test_what_c_cannot_do_torch_does(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="groups"):
        fit(torch.ones(2, 65), 4, 64)
    wide = matrix(2, 512)
    assert fit(wide, 4, 512).stored.group == 512
    monkeypatch.setattr(native_fit, "library", lambda: None)
    assert fit(wide, 4, 64).largest == fit_in_torch(wide, 4, 64).largest
