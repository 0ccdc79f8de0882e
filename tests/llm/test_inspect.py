"""Looking inside after the fact and live."""

from __future__ import annotations

import pytest
import torch

from desktop.llm.cache import ReadableDecoder
from desktop.llm.generate import Settings, generate
from desktop.llm.inspect import LiveLens, inspect_token, logit_lens
from desktop.llm.phi import Phi
from desktop.llm.sampling import Sampling
from desktop.llm.tokenizer import Tokenizer
from tests.llm.small_model import fast

GREEDY = Sampling(temperature=0)


@pytest.mark.parametrize("kind", ["readable", "fast"])
def test_looking_back_equals_looking_while_writing(
    kind: str, small_model: Phi, letters: Tokenizer
) -> None:
    decoder = ReadableDecoder(small_model) if kind == "readable" else fast(small_model)
    prompt = letters.encode("the cat sat")
    settings = Settings(GREEDY, max_tokens=6, look=True, stop_tokens=())
    tokens = list(generate(decoder, letters, prompt, settings))
    ids, after = decoder.ids, decoder.decode(3)
    decoder.rewind(len(ids))
    for place, token in enumerate(tokens[:-1], start=len(prompt)):
        seen = inspect_token(decoder, place, real_ids=letters.size)
        assert token.taps is not None
        assert seen.token == token.id
        assert torch.allclose(seen.attention, token.taps.attention, atol=1e-5)
        assert seen.attention.shape == (3, 4, place)
        assert seen.entropy == pytest.approx(token.entropy, abs=0.02)
        assert seen.alternatives[0][0] == token.id
        assert seen.lens.rank is not None
        assert int(seen.lens.rank[-1]) == 0
    assert decoder.ids == ids
    assert torch.equal(decoder.decode(3), after)  # looking left no trace


def test_the_lens_of_the_last_layer_is_the_answer(small_model: Phi) -> None:
    decoder = ReadableDecoder(small_model)
    decoder.prefill([1, 2, 3])
    scores = decoder.decode(4, look=True)
    assert decoder.taps is not None
    lens = logit_lens(decoder, decoder.taps.hidden, top=3, chosen=7)
    own = scores.softmax(-1)
    assert lens.ids.shape == (4, 3)
    assert lens.ids[-1].tolist() == own.topk(3).indices.tolist()
    assert lens.chosen is not None
    assert float(lens.chosen[-1]) == pytest.approx(float(own[7]), abs=1e-5)


def test_the_live_lens_keeps_to_its_share(small_model: Phi, letters: Tokenizer) -> None:
    decoder = ReadableDecoder(small_model)
    settings = Settings(GREEDY, max_tokens=10, look=True, stop_tokens=())
    live = LiveLens(decoder, share=0.0)
    seen = [live.see(token) for token in generate(decoder, letters, [1, 2], settings)]
    assert seen[0] is not None  # the first one measures how long it takes
    assert not any(seen[1:])
