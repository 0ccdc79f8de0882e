"""Opening a model on a graphics card: forms of weights, recorded steps, and what happens if they fail.

There is no card here. torch's kernel is computed as its source says, recordings are run again on the
processor, and each of them is broken in turn.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from desktop.llm import card_check, card_graphs, fast_cuda
from desktop.llm.beam import beam_search
from desktop.llm.cache import ReadableDecoder, StoppedReading
from desktop.llm.card_check import CardForms, path_on_card, probe_model, why_on_card
from desktop.llm.card_graphs import SPAN
from desktop.llm.fast import QuantizedPhi
from desktop.llm.fast_cuda import CardDecoder, open_on_card
from desktop.llm.fast_open import planned_path
from desktop.llm.kernels import Linear
from desktop.llm.kernels_cuda import Int4Card, UnpackedOnUse, fits_kernel
from desktop.llm.packing import StoredMatrix
from desktop.llm.phi import Phi, PhiConfig, initialise
from desktop.llm.quantize import GroupQuantized, quantize
from tests.llm.card_kernel import emulated_kernel  # noqa: F401

CPU = torch.device("cpu")
NEW, OLD = (8, 6), (7, 5)
CONFIG = PhiConfig(96, 64, 128, 2, 4, 2, 2 * SPAN, partial_rotary_factor=0.5)


def random_weight(rows: int, columns: int, group: int, bits: int = 4) -> GroupQuantized:
    rng = torch.Generator().manual_seed(rows)
    shape = rows, columns // group
    return GroupQuantized(
        torch.randint(0, 2**bits, (rows, columns), dtype=torch.uint8, generator=rng),
        (0.01 + 0.02 * torch.rand(shape, generator=rng)).bfloat16(),
        (0.02 * torch.randn(shape, generator=rng)).bfloat16(),
        bits,
        group,
    )


@pytest.fixture(scope="module")
def model() -> QuantizedPhi:
    phi = Phi(CONFIG)
    initialise(phi, torch.Generator().manual_seed(3), spread=0.3)
    return QuantizedPhi.from_phi(phi, group=32, fit="minmax")


@pytest.fixture(autouse=True)
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    """The processor says that it is a new card."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: NEW)


class Again:
    """A recording: the work itself, done again."""

    def __init__(self, work, result: Tensor) -> None:
        self._work, self._result = work, result

    def replay(self) -> None:
        self._result.copy_(self._work())


class PretendedStudio:
    """Records as a card does, with what each replay gives spoiled if wished."""

    def __init__(self, *_: object) -> None:
        self.made = 0

    def record(self, work) -> tuple[Again, Tensor]:
        self.made += 1
        result = torch.zeros_like(work())
        return Again(lambda: self.spoiled(work), result), result

    def spoiled(self, work) -> Tensor:
        return work()


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_graphs, "Studio", PretendedStudio)


@pytest.fixture
def fast_kernel(monkeypatch: pytest.MonkeyPatch, emulated_kernel: None) -> None:  # noqa: F811
    """The kernel in Python takes long; what is measured here is another matter."""
    found = iter([1.0, 4.0] * 9)
    monkeypatch.setattr(card_check.Sample, "seconds", lambda *_: next(found))


def relative(found: Tensor, wanted: Tensor) -> float:
    return float((found.float() - wanted).norm() / wanted.norm())


def holds_no_trace(decoder: CardDecoder) -> bool:
    return decoder.length == 0 and not decoder._keys.any() and not decoder._values.any()


# ------------------------------------------------------------------------------------------------
# Weights


@pytest.mark.parametrize(
    ("rows", "columns", "group"), [(16, 128, 32), (13, 64, 64), (24, 96, 32), (8, 256, 256)]
)
def test_the_kernel_is_fed_as_its_source_wants(
    rows: int,
    columns: int,
    group: int,
    emulated_kernel: None,  # noqa: F811
) -> None:
    weight = random_weight(rows, columns, group)
    plain = weight.dequantize()
    x = torch.randn(3, columns, generator=torch.Generator().manual_seed(1)).bfloat16()
    chosen = torch.tensor([0, 3, rows - 1, 7])
    for given in (weight, StoredMatrix.of(weight)):
        made = Int4Card(given, CPU)
        assert (made.rows, made.columns) == (rows, columns)
        assert relative(made.many(x), x.float() @ plain.t()) < 0.006
        assert relative(made.exactly(x[:1], chosen), plain[chosen] @ x[0].float()) < 1e-5


@pytest.mark.parametrize("bits", [3, 4, 8])
def test_unpacking_slab_by_slab(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.llm.kernels_cuda.SLAB", 7 * 64)
    weight = random_weight(40, 64, 32, bits)
    made = UnpackedOnUse(weight, CPU, torch.float32)
    x, chosen = torch.randn(5, 64), torch.tensor([39, 0])
    wanted = x @ weight.dequantize().t()
    assert torch.allclose(made.one(x), wanted, atol=1e-4)
    assert torch.allclose(made.exactly(x[:1], chosen), wanted[0, chosen], atol=1e-4)


def forms(capability: tuple[int, int], *weights: GroupQuantized) -> tuple[CardForms, list[Linear]]:
    made = CardForms(CPU, capability)
    return made, [made.make(weight) for weight in weights]


def test_a_kernel_that_is_right_is_used(fast_kernel: None) -> None:
    one, eight = random_weight(24, 64, 32), random_weight(24, 64, 32, bits=8)
    found, made = forms(NEW, one, eight, one)
    assert (found.kernel, found.times) == ("right", 4.0)
    assert [type(form) for form in made] == [Int4Card, UnpackedOnUse, Int4Card]


def test_a_kernel_that_is_not_there_is_not_used() -> None:
    weight = random_weight(24, 64, 32)
    found, made = forms(NEW, weight, weight)
    assert found.kernel == "failed"
    assert all(isinstance(form, UnpackedOnUse) for form in made)


@pytest.mark.parametrize("method", ["many", "exactly"])
@pytest.mark.parametrize(
    "spoil", [lambda y: y * 1.1, lambda y: y.flip(-1), lambda y: y * torch.nan]
)
def test_a_kernel_that_is_wrong_is_not_used(
    method: str, spoil, monkeypatch: pytest.MonkeyPatch, fast_kernel: None
) -> None:
    right = getattr(Int4Card, method)
    monkeypatch.setattr(Int4Card, method, lambda *given: spoil(right(*given)))
    weight = random_weight(24, 64, 32)
    found, made = forms(NEW, weight, weight)
    assert found.kernel == "wrong"
    assert all(isinstance(form, UnpackedOnUse) for form in made)


def test_a_kernel_wrong_only_with_many_tokens_is_not_used(
    monkeypatch: pytest.MonkeyPatch, fast_kernel: None
) -> None:
    right = Int4Card.one
    monkeypatch.setattr(
        Int4Card, "one", lambda self, x: right(self, x) * (1.0 if len(x) <= 16 else 1.1)
    )
    assert forms(NEW, random_weight(24, 64, 32))[0].kernel == "wrong"


def test_a_kernel_slower_than_unpacking_is_not_used(
    emulated_kernel: None,  # noqa: F811
) -> None:
    found, made = forms(NEW, random_weight(24, 64, 32))  # in Python it is indeed slow
    assert found.kernel == "slow"
    assert isinstance(made[0], UnpackedOnUse)


def test_a_full_card_is_not_a_broken_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch.ops.aten, "_convert_weight_to_int4pack", full)
    with pytest.raises(torch.OutOfMemoryError):
        forms(NEW, random_weight(24, 64, 32))


@pytest.mark.parametrize("capability", [NEW, OLD])
def test_a_card_that_multiplies_wrongly_is_not_used_at_all(
    capability: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(UnpackedOnUse, "one", lambda self, x: torch.ones(len(x), self.rows))
    with pytest.raises(RuntimeError, match="multiplies wrongly"):
        forms(capability, random_weight(24, 64, 32))


def test_older_cards_unpack_in_16_bits() -> None:
    found, made = forms(OLD, random_weight(24, 64, 32))
    assert (found.kernel, found.dtype) == ("too old", torch.float16)
    assert isinstance(made[0], UnpackedOnUse)


# ------------------------------------------------------------------------------------------------
# Recorded steps


def test_replayed_steps_equal_the_readable_model(
    model: QuantizedPhi, fast_kernel: None, recorded: None
) -> None:
    card, path, why = open_on_card(model, CONFIG.max_position_embeddings, "cpu")
    assert path == "fast_cuda.py int4 graph sm_8.6"
    assert "4.0 times as fast" in why.en
    assert holds_no_trace(card)
    assert card._graphs is not None
    plain = ReadableDecoder(model.readable())
    ids = torch.randint(0, 96, (SPAN - 2,), generator=torch.Generator().manual_seed(2)).tolist()
    assert relative(card.prefill(ids), plain.prefill(ids)) < 0.05
    for token in (5, 9, 11, 12):  # into the next span
        assert relative(card.decode(token), plain.decode(token)) < 0.05
    assert sorted(card._graphs._recorded) == [SPAN, 2 * SPAN]
    assert card._graphs._studio.made == 2


def test_the_likeliest_tokens_are_told_apart(model: QuantizedPhi, fast_kernel: None) -> None:
    """A product rounded to bfloat16 gives many of them the same score."""
    card, _, _ = open_on_card(model, 64, "cpu")
    best = card.prefill([1, 2, 3]).topk(8).values
    assert (best.bfloat16().float() != best).any()
    assert len(set(best.tolist())) == 8


class Raises(PretendedStudio):
    def record(self, work):
        raise RuntimeError("CUDA error: operation not permitted when stream is capturing")


class Forgets(PretendedStudio):
    """Every replay gives what was computed when it was recorded."""

    def record(self, work):
        result = work().clone()
        return Again(lambda: result.clone(), result), result


class NotFinite(PretendedStudio):
    def spoiled(self, work):
        return work() * torch.nan


class BreaksLater(PretendedStudio):
    def spoiled(self, work):
        raise RuntimeError("CUDA error: an illegal instruction was encountered")


class WritesNothing(PretendedStudio):
    """Scores are right as long as somebody else has stored keys and values."""

    decoder: CardDecoder

    def spoiled(self, work):
        before = self.decoder._keys.clone(), self.decoder._values.clone()
        result = work()
        self.decoder._keys.copy_(before[0])
        self.decoder._values.copy_(before[1])
        return result


@pytest.mark.parametrize(
    ("studio", "finding"),
    [(Raises, "failed"), (BreaksLater, "failed"), (Forgets, "wrong"), (NotFinite, "wrong")],
)
def test_graphs_that_do_not_work_are_not_used(
    studio: type, finding: str, model: QuantizedPhi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card_graphs, "Studio", studio)
    card, path, why = open_on_card(model, 64, "cpu")
    assert path == "fast_cuda.py unpacked plain sm_8.6"
    assert card_check._GRAPHS[finding].en in why.en
    assert card_check._GRAPHS[finding].zh in why.zh
    assert holds_no_trace(card)
    assert card._graphs is None
    plain = ReadableDecoder(model.readable())
    card.prefill([1, 2]), plain.prefill([1, 2])
    assert relative(card.decode(5), plain.decode(5)) < 0.05
    assert card.fork(8)._graphs is None


def test_a_graph_that_stores_nothing_is_found_out(
    model: QuantizedPhi, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, _, _ = open_on_card(model, 64, "cpu")
    monkeypatch.setattr(WritesNothing, "decoder", card, raising=False)
    monkeypatch.setattr(card_graphs, "Studio", WritesNothing)
    assert card.try_graphs() == "wrong"
    assert holds_no_trace(card)


def test_without_a_card_nothing_can_be_recorded(model: QuantizedPhi) -> None:
    card, path, why = open_on_card(model, 64, "cpu")
    assert path == "fast_cuda.py unpacked plain sm_8.6"
    assert "failed" in why.en
    assert card._graphs is None


def test_a_longer_span_that_cannot_be_recorded_is_run_plainly(
    model: QuantizedPhi, recorded: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, _, _ = open_on_card(model, CONFIG.max_position_embeddings, "cpu")
    plain = ReadableDecoder(model.readable())
    monkeypatch.setattr(PretendedStudio, "record", Raises.record)
    ids = [n % 96 for n in range(SPAN)]
    card.prefill(ids), plain.prefill(ids)
    for token in (5, 6):
        assert relative(card.decode(token), plain.decode(token)) < 0.05
    assert card._graphs is None


def test_scores_that_are_not_finite_leave_the_card_unused(
    model: QuantizedPhi, recorded: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = CardDecoder._scores
    monkeypatch.setattr(CardDecoder, "_scores", lambda *given: scores(*given) * torch.inf)
    with pytest.raises(RuntimeError, match="not finite"):
        open_on_card(model, 64, "cpu")


def test_forks_record_for_themselves(model: QuantizedPhi, recorded: None) -> None:
    card, _, _ = open_on_card(model, 64, "cpu")
    found = []
    for decoder in (card, ReadableDecoder(model.readable())):
        steps = list(beam_search(decoder, [1, 2, 3], beams=3, max_tokens=5))
        found.append(steps[-1].finished[0].score)
    assert found[0] == pytest.approx(found[1], abs=0.05)


def test_a_wish_to_stop_is_heard_in_prompts_and_not_while_recording(
    model: QuantizedPhi, recorded: None
) -> None:
    card, _, _ = open_on_card(model, 64, "cpu")
    with pytest.raises(StoppedReading):
        card.read([1, 2, 3], stop=lambda: True)
    assert card.read([1], stop=lambda: True).isfinite().all()


# ------------------------------------------------------------------------------------------------
# In words


def test_the_path_depends_on_the_cards_age_and_what_was_found() -> None:
    assert path_on_card(NEW, "right", "right") == "fast_cuda.py int4 graph sm_8.6"
    assert path_on_card(OLD, "too old", "right") == "fast_cuda.py unpacked graph sm_7.5"
    assert path_on_card(NEW, "wrong", "failed") == "fast_cuda.py unpacked plain sm_8.6"


def test_every_finding_is_said_in_both_languages() -> None:
    for kernel in card_check._KERNEL:
        for graphs in card_check._GRAPHS:
            why = why_on_card(NEW, kernel, 6.25, graphs)
            assert "8.6" in why.zh
            assert "8.6" in why.en
            assert "{" not in why.zh + why.en
            assert why.zh.endswith("。")
            assert why.en.endswith(".")


def test_what_is_planned_on_a_card_is_tried_on_it(
    recorded: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        fast_cuda, "open_on_card", lambda model, capacity, _: open_on_card(model, capacity, "cpu")
    )
    path, why = planned_path("cuda:0")
    assert path == "fast_cuda.py unpacked graph sm_8.6"
    assert "4-bit kernel (compute capability 8.6) failed" in why.en
    monkeypatch.setattr(UnpackedOnUse, "one", lambda self, x: torch.ones(len(x), self.rows))
    path, why = planned_path("cuda:0")
    assert path == planned_path()[0]
    assert why.en.startswith("The graphics card does not work, so the processor is used. ")


def test_the_model_to_try_with_takes_the_kernel() -> None:
    weights = probe_model().weights.values()
    assert all(fits_kernel(one) for one in weights if isinstance(one, GroupQuantized))
    assert sum(isinstance(one, GroupQuantized) for one in weights) == 7


def test_the_sample_of_a_stored_matrix_is_that_of_the_matrix() -> None:
    plain = torch.randn(40, 64, generator=torch.Generator().manual_seed(1))
    weight, rows = quantize(plain, 4, 32), torch.tensor([0, 9, 39])
    wanted = weight.dequantize()[rows]
    for given in (weight, StoredMatrix.of(weight)):
        assert torch.equal(card_check.some_rows(given, rows).dequantize(), wanted)
