"""The fast path against the readable model with the same (dequantized) weights."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from desktop.llm.beam import beam_search
from desktop.llm.cache import ReadableDecoder, StoppedReading
from desktop.llm.fast import FastDecoder, QuantizedPhi, Weight, as_tensor, prepare
from desktop.llm.fast_cuda import CardDecoder, open_on_card, to_device
from desktop.llm.kernels import Dense, Int8, Linear, huge_empty
from desktop.llm.kernels_cuda import UnpackedOnUse
from desktop.llm.kernels_int4 import Int4, packed_block
from desktop.llm.phi import Phi, PhiConfig
from desktop.llm.quantize import GroupQuantized, quantize

CONFIGS = (
    PhiConfig(307, 128, 256, 3, 4, 4, 128),
    PhiConfig(200, 192, 320, 2, 6, 2, 96, partial_rotary_factor=0.4, rope_theta=500.0),
)


def random_weight(rows: int, columns: int, group: int = 64) -> GroupQuantized:
    rng = torch.Generator().manual_seed(rows)
    return GroupQuantized(
        torch.randint(0, 16, (rows, columns), dtype=torch.uint8, generator=rng),
        (0.01 + 0.02 * torch.rand(rows, columns // group, generator=rng)).bfloat16(),
        (0.02 * torch.randn(rows, columns // group, generator=rng)).bfloat16(),
        4,
        group,
    )


def make(weight: Weight, way: str = "bf16") -> Linear:
    if isinstance(weight, GroupQuantized) and weight.bits == 4:
        return Int4(weight, way)  # type: ignore[arg-type]
    return Dense(as_tensor(weight, torch.bfloat16))


def relative(found: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((found.float() - wanted).norm() / wanted.norm())


# ------------------------------------------------------------------------------------------------
# Products


@pytest.mark.parametrize("group", [32, 64, 128, 256])
@pytest.mark.parametrize("rows", [64, 100, 320])
def test_packing_equals_torchs_own(group: int, rows: int) -> None:
    weight = random_weight(rows, 512, group)
    if packed_block() == 0:
        pytest.skip("no vector kernel on this processor")
    padded = torch.nn.functional.pad(weight.codes, (0, 0, 0, -rows % 64))
    own = torch.ops.aten._convert_weight_to_int4pack_for_cpu(padded.int(), 1)
    assert torch.equal(Int4(weight)._packed, own)


@pytest.mark.parametrize("rows", [100, 320])
@pytest.mark.parametrize("tokens", [1, 5, 40])
def test_products_equal_those_of_the_plain_weight(rows: int, tokens: int) -> None:
    weight = random_weight(rows, 512)
    plain = weight.dequantize()
    x = torch.randn(tokens, 512, generator=torch.Generator().manual_seed(1)).bfloat16().float()
    wanted = x @ plain.t()
    for linear, tolerance in (
        (Int4(weight, "bf16"), 0.006),
        (Int4(weight, "int8"), 0.02),
        (Int8.rounded(plain), 0.03),
        (Dense(plain), 1e-5),
    ):
        assert (linear.rows, linear.columns) == (rows, 512)
        assert relative(linear.many(x), wanted) < tolerance
        if tokens < 40:
            assert relative(linear.one(x), wanted) < tolerance
    chosen = torch.tensor([0, 31, 32, 63, 64, rows - 1])
    exact = Int4(weight).exactly(x[:1], chosen)
    assert relative(exact, wanted[0, chosen]) < (1e-4 if packed_block() else 0.006)


def test_large_columns_do_not_spoil_the_rounding_of_the_others() -> None:
    weight = random_weight(256, 512)
    x = torch.randn(64, 512, generator=torch.Generator().manual_seed(1))
    x[:, [3, 77, 400]] *= 30  # rounded with one scale, the others would be off by 20 %
    x = x.bfloat16().float()
    assert relative(Int4(weight, "int8").many(x), x @ weight.dequantize().t()) < 0.012


def test_keeping_the_whole_numbers_changes_nothing() -> None:
    weight = random_weight(320, 512)
    x = torch.randn(40, 512, generator=torch.Generator().manual_seed(1))
    plain, keeping = Int4(weight, "int8"), Int4(weight, "int8")
    keeping.keep = packed_block() > 0
    first, again = keeping.many(x), keeping.many(x)
    assert torch.equal(first, plain.many(x))
    assert torch.equal(again, first)
    assert keeping.nbytes > plain.nbytes or packed_block() == 0


def test_huge_memory_holds_what_is_put_into_it() -> None:
    tensor = huge_empty((3, 1 << 20), torch.float32)
    tensor.fill_(2.0)
    assert tensor.shape == (3, 1 << 20)
    assert float(tensor.sum()) == 2.0 * (3 << 20)


# ------------------------------------------------------------------------------------------------
# The whole model


@pytest.fixture(params=CONFIGS, ids=["plain", "grouped"])
def model(request: pytest.FixtureRequest) -> QuantizedPhi:
    rng = torch.Generator().manual_seed(5)
    model = Phi(request.param)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            spread = 0.5 if "embed" in name else 0.1
            weights.copy_(torch.randn(weights.shape, generator=rng) * spread)
            if name.endswith("layernorm.weight"):
                weights.add_(1.0)
    return QuantizedPhi.from_phi(model, fit="minmax")


def decoders(model: QuantizedPhi, way: str = "bf16") -> tuple[FastDecoder, ReadableDecoder]:
    fast = FastDecoder(prepare(model, lambda weight: make(weight, way)))
    return fast, ReadableDecoder(model.readable())


@pytest.mark.parametrize(("way", "tolerance"), [("bf16", 0.02), ("int8", 0.05)])
def test_scores_equal_those_of_the_readable_model(
    model: QuantizedPhi, way: str, tolerance: float
) -> None:
    fast, plain = decoders(model, way)
    ids = torch.randint(0, 200, (60,), generator=torch.Generator().manual_seed(2)).tolist()
    assert relative(fast.prefill(ids[:40]), plain.prefill(ids[:40])) < tolerance
    for token in ids[40:50]:
        assert relative(fast.decode(token), plain.decode(token)) < tolerance
    assert relative(fast.prefill(ids[50:]), plain.prefill(ids[50:])) < tolerance
    assert fast.ids == plain.ids == tuple(ids)


def test_going_back_and_reading_again_gives_the_same(model: QuantizedPhi) -> None:
    fast, _ = decoders(model)
    fast.read([1, 2, 3, 4, 5])
    first = fast.decode(6)
    fast.rewind(5)
    fast.decode(9)
    fast.rewind(5)
    assert torch.equal(fast.decode(6), first)


def test_what_is_seen_inside_equals_the_readable_model(model: QuantizedPhi) -> None:
    fast, plain = decoders(model)
    ids = list(range(3, 33))
    for decoder in (fast, plain):
        decoder.prefill(ids)
        decoder.decode(7, look=True)
    assert fast.taps is not None
    assert plain.taps is not None
    assert fast.taps.attention.shape == plain.taps.attention.shape
    assert float((fast.taps.attention - plain.taps.attention).abs().max()) < 0.02
    assert relative(fast.taps.hidden, plain.taps.hidden) < 0.02
    lens, wanted = fast.read_out(fast.taps.hidden), plain.read_out(plain.taps.hidden)
    assert relative(lens, wanted) < 0.03


def test_mixed_weights_are_joined(model: QuantizedPhi) -> None:
    mixed = dict(model.weights)
    mixed["model.layers.0.self_attn.q_proj.weight"] = as_tensor(
        mixed["model.layers.0.self_attn.q_proj.weight"]
    )
    plain = as_tensor(mixed["model.layers.1.mlp.fc2.weight"])
    mixed["model.layers.1.mlp.fc2.weight"] = quantize(plain, 8, 32)
    fast = FastDecoder(prepare(QuantizedPhi(model.config, mixed), make))
    wanted = ReadableDecoder(model.readable()).prefill([5, 6, 7])
    assert relative(fast.prefill([5, 6, 7]), wanted) < 0.03


def test_forks_go_their_own_way(model: QuantizedPhi) -> None:
    fast, _ = decoders(model)
    fast.read([1, 2, 3])
    other = fast.fork(20)
    a, b = fast.decode(4), other.decode(4)
    assert torch.equal(a, b)
    other.rewind(3)
    other.decode(9)
    assert torch.equal(fast.decode(5), other.fork(20).decode(5)) is False
    other.follow(fast)
    assert other.ids == fast.ids
    assert torch.equal(other.decode(8), fast.decode(8))


def test_beams_are_those_of_the_readable_model(model: QuantizedPhi) -> None:
    found = []
    for decoder in decoders(model):
        steps = list(beam_search(decoder, [1, 2, 3], beams=3, max_tokens=5))
        found.append(steps[-1].finished[0].score)
    assert found[0] == pytest.approx(found[1], abs=0.05)


def test_a_long_prompt_stops_between_layers(model: QuantizedPhi) -> None:
    fast, _ = decoders(model)
    asked = []

    def stop() -> bool:
        asked.append(None)
        return len(asked) > 1

    with pytest.raises(StoppedReading):
        fast.read([1, 2, 3], stop=stop)
    assert fast.length == 0
    fast.read([1, 2, 3])
    assert fast.length == 3


def test_stopping_while_weights_are_prepared(model: QuantizedPhi) -> None:
    class Enough(Exception):  # noqa: N818
        pass

    def progress(done: float) -> None:
        if done > 0:
            raise Enough

    with pytest.raises(Enough):
        prepare(model, make, progress)


@pytest.mark.slow
def test_processors_without_avx512_and_without_vectors() -> None:
    if os.environ.get("ATEN_CPU_CAPABILITY"):
        pytest.skip("already one of those")
    chosen = ["-k", "products or packing or scores", "-p", "no:cacheprovider"]
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", "-x", *chosen, __file__],
            env={**os.environ, "ATEN_CPU_CAPABILITY": capability},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for capability in ("avx2", "default")
    ]
    for one in both:
        said, _ = one.communicate()
        assert one.returncode == 0, said[-3000:]


# ------------------------------------------------------------------------------------------------
# The graphics card's code, on the processor (all but the recording of graphs and torch's kernel)


def test_the_cards_steps_equal_the_readable_model(model: QuantizedPhi) -> None:
    device, dtype = torch.device("cpu"), torch.float32

    def unpacked(weight: Weight) -> Linear:
        if isinstance(weight, GroupQuantized):
            return UnpackedOnUse(weight, device, dtype)
        return Dense(weight)

    weights = to_device(prepare(model, unpacked), device, dtype)
    card, plain = CardDecoder(weights, 64, dtype), ReadableDecoder(model.readable())
    ids = list(range(2, 32))
    assert relative(card.prefill(ids), plain.prefill(ids)) < 0.01
    for token in (5, 9):
        assert relative(card.decode(token, look=True), plain.decode(token, look=True)) < 0.01
    assert card.taps is not None
    assert plain.taps is not None
    assert torch.allclose(card.taps.attention, plain.taps.attention, atol=0.01)
    assert relative(card.taps.hidden, plain.taps.hidden) < 0.01
    assert relative(card.prefill([7, 8, 9]), plain.prefill([7, 8, 9])) < 0.01
    other = card.fork(64)
    assert torch.equal(other.decode(3), card.decode(3))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no graphics card")
def test_on_a_card_graphs_and_kernel_equal_the_readable_model(model: QuantizedPhi) -> None:
    card, _, _ = open_on_card(model, 64, "cuda")
    plain = ReadableDecoder(model.readable())
    ids = list(range(2, 32))
    assert relative(card.prefill(ids), plain.prefill(ids)) < 0.03
    for token in (5, 9, 11):
        assert relative(card.decode(token), plain.decode(token)) < 0.03
