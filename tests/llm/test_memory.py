"""Memory estimates and what is said about them; opening models for the chat."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from desktop.commands.bench_chat_random import phi_2
from desktop.llm import fast_open
from desktop.llm.fast import FastDecoder
from desktop.llm.fast_open import (
    NotEnoughMemoryError,
    expected_memory,
    likely_memory,
    open_for_chat,
)
from desktop.llm.kernels_choice import choose_for_processor
from desktop.llm.kernels_native import library
from desktop.llm.memory import LEAVE_FREE, available, estimate, judge
from desktop.llm.phi import Phi
from tests.llm.small_model import CONFIG, fast


def test_the_estimate_of_phi_2_is_about_right() -> None:
    four = estimate(phi_2(), form="int4", capacity=2048)
    assert 1.5e9 < four.weights < 1.9e9
    assert four.cache == 2 * 32 * 2048 * 2560 * 4
    assert estimate(phi_2(), form="float32").weights == 4 * phi_2().parameter_count
    assert estimate(phi_2(), form="int4", device="cuda").cache == 2 * 32 * 2048 * 2560 * 2


def test_the_estimate_of_weights_equals_what_is_made(small_model: Phi) -> None:
    made = fast(small_model).weights
    wanted = estimate(CONFIG, form="int4", group=64).weights
    assert made.nbytes == pytest.approx(wanted, rel=0.1)


def test_too_little_memory_comes_with_offers() -> None:
    config = phi_2()
    fine = judge(config, estimate(config), free=64 * 10**9)
    assert fine.fits
    assert not fine.offers
    full = judge(config, estimate(config, form="float32"), free=5 * 10**9)
    assert not full.fits
    assert any(offer.estimate.form == "int4" for offer in full.offers)
    card = estimate(config, device="cuda", capacity=2048)
    small = judge(config, card, free=2_700_000_000, other_device_free=16 * 10**9)
    assert not small.fits
    assert any(offer.estimate.capacity < 2048 for offer in small.offers)
    assert any(offer.estimate.device == "cpu" for offer in small.offers)
    assert all(offer.estimate.total < 16 * 10**9 for offer in small.offers)
    assert available() > 0


def test_a_model_that_does_not_fit_is_not_opened(
    small_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.llm.memory.available", lambda device="cpu": 1000)
    with pytest.raises(NotEnoughMemoryError) as error:
        open_for_chat(small_folder)
    assert error.value.hint.en


def test_small_models_open_readably(small_folder: Path) -> None:
    opened = open_for_chat(small_folder, capacity=32)
    assert (opened.path, opened.decoder.capacity) == ("phi.py float32", 32)


def test_large_models_open_quantized(small_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_open, "SMALL", 0)
    opened = open_for_chat(small_folder, device="cpu")
    assert isinstance(opened.decoder, FastDecoder)
    assert opened.path.startswith("fast.py")
    assert torch.isfinite(opened.decoder.prefill([1, 2, 3])).all()


def test_what_is_told_of_an_installed_model_is_what_loading_it_will_expect() -> None:
    """Told without measuring which way is fastest; the compiled code is where it is there."""
    assert likely_memory(CONFIG, 64) == estimate(CONFIG, form="float32", capacity=64)
    if choose_for_processor().name == ("native" if library() is not None else "int4"):
        assert likely_memory(phi_2(), 2048) == expected_memory(phi_2(), 2048)


def test_a_shorter_context_is_offered_in_the_form_it_would_have() -> None:
    """Keys and values in 16 bits stay so: half the context takes half their room."""
    wanted = estimate(phi_2(), capacity=2048, half_cache=True)
    room = wanted.total - wanted.cache // 2 + LEAVE_FREE
    (shorter,) = judge(phi_2(), wanted, free=room).offers
    assert shorter.estimate.capacity == 1024
    assert shorter.estimate.cache == wanted.cache // 2
