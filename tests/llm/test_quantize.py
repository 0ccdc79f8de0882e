"""Quantization against the definition, an outside implementation's error, and property tests."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.llm.quantize import quantization_error, quantize


def matrix(rows=64, columns=512, seed=0):
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)) * 0.02


@given(
    bits=st.integers(2, 8),
    group=st.sampled_from([32, 64, 128]),
    seed=st.integers(0, 1000),
    scale=st.floats(1e-4, 1e3),
)
@settings(max_examples=40, deadline=None)
def test_mse_fit_is_never_worse_than_minmax(bits, group, seed, scale):
    weight = matrix(8, 256, seed) * scale
    plain = quantization_error(weight, quantize(weight, bits, group, "minmax"))
    fitted = quantization_error(weight, quantize(weight, bits, group, "mse"))
    assert fitted.relative <= plain.relative
    assert fitted.bits_per_weight == pytest.approx(bits + 32 / group)


@given(st.integers(2, 8), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_no_weight_inside_the_range_is_further_than_half_a_step(bits, seed):
    weight = matrix(8, 128, seed)
    quantized = quantize(weight, bits, 32, "minmax")
    step = quantized.scales.float().repeat_interleave(32, 1)
    # Half a step, and what rounding scale and offset to bfloat16 (8 bits) adds over the codes.
    slack = step * (0.5 + 2**bits / 256) + weight.abs().max() / 256
    assert ((weight - quantized.dequantize()).abs() <= slack).all()


def test_each_bit_halves_the_error():
    weight = matrix()
    errors = [
        quantization_error(weight, quantize(weight, bits, 64)).relative for bits in (2, 3, 4, 5)
    ]
    for coarse, fine in itertools.pairwise(errors):
        assert 1.6 < coarse / fine < 2.6


def test_error_at_4_5_bits_is_below_ggufs_q4_0():
    gguf = pytest.importorskip("gguf")
    weight = matrix(256, 2560)
    kind = gguf.GGMLQuantizationType.Q4_0
    reference = gguf.quants.dequantize(gguf.quants.quantize(weight.numpy(), kind), kind)
    theirs = (torch.from_numpy(reference) - weight).norm() / weight.norm()
    ours = quantization_error(weight, quantize(weight, 4, 64))
    assert ours.bits_per_weight == 4.5
    assert ours.relative < theirs


def test_constant_and_zero_groups_are_exact():
    weight = torch.zeros(2, 64)
    weight[1] = 0.5
    assert torch.equal(quantize(weight, 4, 32).dequantize(), weight)


def test_the_form_is_the_one_of_torchs_int4_kernel():
    weight, x = matrix(64, 256), torch.randn(3, 256).bfloat16()
    quantized = quantize(weight, 4, 32)
    packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(quantized.codes.int(), 1)
    scales = torch.stack([quantized.scales, quantized.offsets], -1).transpose(0, 1).contiguous()
    product = torch.ops.aten._weight_int4pack_mm_for_cpu(x, packed, 32, scales)
    expected = x.float() @ quantized.dequantize().T
    torch.testing.assert_close(product.float(), expected, rtol=0.02, atol=0.01)


@pytest.mark.parametrize(("bits", "columns"), [(1, 64), (9, 64), (4, 65)])
def test_what_cannot_be_quantized_is_refused(bits, columns):
    with pytest.raises(ValueError, match=r"bits|groups"):
        quantize(torch.ones(2, columns), bits, 32)


def test_weights_that_are_not_finite_are_refused():
    weight = matrix()
    weight[3, 5] = float("nan")
    with pytest.raises(ValueError, match="finite"):
        quantize(weight)
