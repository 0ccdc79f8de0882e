"""Our own C code against the readable model, in both forms that it is compiled in."""

from __future__ import annotations

import pytest
import torch

from desktop.llm import fast_native, fast_open, kernels_choice, kernels_native
from desktop.llm.cache import ReadableDecoder
from desktop.llm.fast import FastDecoder, QuantizedPhi, Weight, as_tensor, prepare
from desktop.llm.fast_native import NativeDecoder, decoder_for
from desktop.llm.kernels import Dense, Linear
from desktop.llm.kernels_native import Library, Native, fits_native
from desktop.llm.packing import StoredMatrix
from desktop.llm.phi import Phi, PhiConfig
from desktop.llm.quantize import GroupQuantized, quantize

CONFIGS = {
    "plain": PhiConfig(307, 128, 256, 3, 4, 4, 128),
    "shared keys": PhiConfig(200, 192, 320, 2, 6, 2, 96, partial_rotary_factor=0.4),
    "wide": PhiConfig(307, 640, 1280, 2, 8, 8, 64, partial_rotary_factor=0.4),  # heads as Phi-2's
}


@pytest.fixture(params=[1, 2], ids=["avx2", "avx512"])
def level(
    request: pytest.FixtureRequest, compiled: Library, monkeypatch: pytest.MonkeyPatch
) -> int:
    if request.param > compiled.level:
        pytest.skip("a processor without AVX-512 VNNI")
    used = Library(compiled.functions, request.param)
    monkeypatch.setattr(kernels_native, "library", lambda: used)
    monkeypatch.setattr(fast_native, "library", lambda: used)
    return int(request.param)


def random_weight(rows: int, columns: int) -> StoredMatrix:
    rng = torch.Generator().manual_seed(rows)
    groups = columns // 64
    return StoredMatrix(
        torch.randint(0, 256, (rows, columns // 2), dtype=torch.uint8, generator=rng),
        (0.01 + 0.02 * torch.rand(rows, groups, generator=rng)).bfloat16(),
        (0.02 * torch.randn(rows, groups, generator=rng)).bfloat16(),
        4,
        64,
    )


def relative(found: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((found.float() - wanted).norm() / wanted.norm())


# ------------------------------------------------------------------------------------------------
# Products


@pytest.mark.parametrize("columns", [64, 512, 1216])
@pytest.mark.parametrize("tokens", [1, 5, 40])
@pytest.mark.parametrize("way", ["bf16", "int8"])
def test_products_equal_those_of_the_plain_weight(
    level: int, columns: int, tokens: int, way: str
) -> None:
    weight = random_weight(300, columns)
    linear = Native(weight, way)  # type: ignore[arg-type]
    x = torch.randn(tokens, columns, generator=torch.Generator().manual_seed(1))
    wanted = x @ weight.dequantize().t()
    assert linear.many(x).shape == (tokens, 300)
    assert relative(linear.many(x), wanted) < (0.02 if way == "int8" and tokens > 8 else 0.01)
    assert relative(linear.one(x[:3]), wanted[:3]) < 0.01
    chosen = torch.tensor([0, 31, 64, 299])
    assert relative(linear.exactly(x[:1], chosen), wanted[0, chosen]) < 1e-5


def test_inputs_that_whole_numbers_hold_are_multiplied_without_error(level: int) -> None:
    weight = random_weight(70, 1088)
    x = torch.randint(-127, 128, (1, 1088), generator=torch.Generator().manual_seed(3)).float()
    x[0, ::64] = 127.0  # so that a unit is 1 in every group
    wanted = x.double() @ weight.dequantize().double().t()
    assert torch.allclose(Native(weight).one(x).double(), wanted, rtol=1e-5, atol=1e-2)


def test_extreme_codes_do_not_overflow(level: int) -> None:
    weight = random_weight(8, 512)
    weight.packed.fill_(0xFF)
    for value in (1.0, -1.0, 0.0, 1e30):
        x = torch.full((1, 512), value)
        wanted = x @ weight.dequantize().t()
        assert torch.allclose(Native(weight).one(x), wanted, rtol=1e-4)


def test_keeping_the_whole_numbers_changes_nothing(level: int) -> None:
    weight = random_weight(320, 512)
    x = torch.randn(40, 512, generator=torch.Generator().manual_seed(1))
    plain, keeping = Native(weight, "int8"), Native(weight, "int8")
    keeping.keep = True
    first, again = keeping.many(x), keeping.many(x)
    assert torch.equal(first, plain.many(x))
    assert torch.equal(again, first)
    assert keeping.nbytes > plain.nbytes


def test_only_what_was_compiled_fits() -> None:
    plain = torch.randn(64, 128)
    assert fits_native(StoredMatrix.of(quantize(plain, 4, 64)))
    assert not fits_native(StoredMatrix.of(quantize(plain, 4, 32)))
    assert not fits_native(StoredMatrix.of(quantize(plain, 8, 64)))


# ------------------------------------------------------------------------------------------------
# The whole model


@pytest.fixture(params=CONFIGS)
def model(request: pytest.FixtureRequest) -> QuantizedPhi:
    rng = torch.Generator().manual_seed(5)
    made = Phi(CONFIGS[request.param])
    with torch.no_grad():
        for name, weights in made.named_parameters():
            spread = 0.5 if "embed" in name else 0.06
            weights.copy_(torch.randn(weights.shape, generator=rng) * spread)
            if name.endswith("layernorm.weight"):
                weights.add_(1.0)
    return QuantizedPhi.from_phi(made, fit="minmax")


def make(weight: Weight) -> Linear:
    if isinstance(weight, GroupQuantized):
        weight = StoredMatrix.of(weight)
    return Native(weight, "bf16") if isinstance(weight, StoredMatrix) else Dense(weight)


def decoders(model: QuantizedPhi) -> tuple[FastDecoder, ReadableDecoder]:
    made = decoder_for(prepare(model, make))
    assert isinstance(made, NativeDecoder)
    return made, ReadableDecoder(model.readable())


def test_scores_equal_those_of_the_readable_model(level: int, model: QuantizedPhi) -> None:
    fast, plain = decoders(model)
    ids = torch.randint(0, 200, (60,), generator=torch.Generator().manual_seed(2)).tolist()
    assert relative(fast.prefill(ids[:30]), plain.prefill(ids[:30])) < 0.03
    for token in ids[30:50]:
        assert relative(fast.decode(token), plain.decode(token)) < 0.03
    assert relative(fast.prefill(ids[50:]), plain.prefill(ids[50:])) < 0.03
    assert fast.ids == plain.ids == tuple(ids)


def test_what_is_seen_inside_equals_the_readable_model(level: int, model: QuantizedPhi) -> None:
    fast, plain = decoders(model)
    for decoder in (fast, plain):
        decoder.prefill(list(range(3, 33)))
        decoder.decode(7, look=True)
    assert fast.taps is not None
    assert plain.taps is not None
    assert fast.taps.attention.shape == plain.taps.attention.shape
    assert torch.allclose(fast.taps.attention.sum(-1), torch.ones(()), atol=1e-5)
    assert float((fast.taps.attention - plain.taps.attention).abs().max()) < 0.03
    assert relative(fast.taps.hidden, plain.taps.hidden) < 0.03
    back = fast.look_back(10)
    assert relative(back.hidden, plain.look_back(10).hidden) < 0.03


def test_going_back_forking_and_following(level: int, model: QuantizedPhi) -> None:
    fast, _ = decoders(model)
    fast.read([1, 2, 3, 4, 5])
    first = fast.decode(6)
    fast.rewind(5)
    fast.decode(9)
    fast.rewind(5)
    assert torch.equal(fast.decode(6), first)
    other = fast.fork(20)
    assert torch.equal(other.decode(8), fast.decode(8))
    other.rewind(3)
    other.decode(9)
    other.follow(fast)
    assert torch.equal(other.decode(7), fast.decode(7))


def test_keys_too_large_for_half_precision_do_no_harm(level: int) -> None:
    config = CONFIGS["plain"]
    plain = Phi(config)
    with torch.no_grad():
        for name, weights in plain.named_parameters():
            if "k_proj.bias" in name:
                weights.fill_(1e6)
    model = QuantizedPhi.from_phi(plain, fit="minmax")
    fast, _ = decoders(model)
    fast.prefill([1, 2, 3])
    assert torch.isfinite(fast.decode(4)).all()
    assert torch.isfinite(fast.prefill(list(range(5, 30)))).all()


def test_several_threads_agree_with_one(level: int, model: QuantizedPhi) -> None:
    fast, _ = decoders(model)
    before = torch.get_num_threads()
    scores = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            fast.rewind(0)
            for token in (3, 4, 5):
                last = fast.decode(token)
            scores.append(last)
    finally:
        torch.set_num_threads(before)
    assert torch.allclose(*scores, rtol=1e-4, atol=1e-4)


# ------------------------------------------------------------------------------------------------
# Where it is used


def test_matrices_of_other_forms_are_left_to_torch(level: int, model: QuantizedPhi) -> None:
    mixed = dict(model.weights)
    name = "model.layers.1.mlp.fc2.weight"
    mixed[name] = quantize(as_tensor(mixed[name]), 8, 32)
    choice = kernels_choice.Choice("native", kernels_choice.NAMES["native"])
    made = decoder_for(prepare(QuantizedPhi(model.config, mixed), choice.make))
    assert not isinstance(made, NativeDecoder)
    wanted = ReadableDecoder(model.readable()).prefill([5, 6, 7])
    assert relative(made.prefill([5, 6, 7]), wanted) < 0.03


def test_without_the_library_torch_computes(
    model: QuantizedPhi, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (kernels_native, fast_native, kernels_choice):
        monkeypatch.setattr(module, "library", lambda: None)
    choice = kernels_choice.choose_for_processor.__wrapped__()
    assert choice.name != "native"
    assert "compiled" in choice.why.en
    made = decoder_for(prepare(model, choice.make))
    assert not isinstance(made, NativeDecoder)
    wanted = ReadableDecoder(model.readable()).prefill([5, 6, 7])
    assert relative(made.prefill([5, 6, 7]), wanted) < 0.05


def test_where_torch_may_not_use_vectors_neither_does_the_library(
    compiled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compiled.level
    for capability, most in (("DEFAULT", 0), ("AVX2", 1), ("AVX512", 2)):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda c=capability: c)
        found = kernels_native.library.__wrapped__()
        if found is not None:
            assert found.level <= most


def test_the_estimate_counts_half_the_cache_where_it_is_kept_so(
    level: int, model: QuantizedPhi, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {}
    for name in ("native", "int4"):
        choice = kernels_choice.Choice(name, kernels_choice.NAMES[name])
        monkeypatch.setattr(fast_open, "choose_for_processor", lambda choice=choice: choice)
        decoder = decoder_for(prepare(model, choice.make), 64)
        found[name] = fast_open.expected_memory(model.config, 64).cache
        assert decoder.nbytes == found[name]
    assert found["native"] * 2 == found["int4"]
