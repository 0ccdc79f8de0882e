"""Writing text: equal to transformers, stopping where it should, text that is never wrong."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import PhiConfig as ReferenceConfig
from transformers import PhiForCausalLM

from desktop.llm.beam import BeamStep, beam_search
from desktop.llm.cache import ContextFullError, ReadableDecoder
from desktop.llm.context import forget_the_middle
from desktop.llm.generate import (
    GeneratedToken,
    PromptTooLongError,
    Settings,
    Summary,
    generate,
    may_begin,
)
from desktop.llm.phi import Phi, PhiConfig
from desktop.llm.prompts import CHAT, CODE, INSTRUCT, Message, fit, preview
from desktop.llm.sampling import Sampling
from desktop.llm.tokenizer import Tokenizer

GREEDY = Sampling(temperature=0)
TEXT = (
    "Hello there, 你好！ General notes: the cat sat on the mat.\nInstruct: sit.\nOutput: no.\n" * 4
)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train_bpe(TEXT, 300)


@pytest.fixture(scope="module")
def model(tokenizer: Tokenizer) -> Phi:
    return random_model(tokenizer.size + 7)


def random_model(vocabulary: int, seed: int = 5) -> Phi:
    config = PhiConfig(vocabulary, 32, 64, 2, 4, 4, 64)
    rng = torch.Generator().manual_seed(seed)
    model = Phi(config)
    with torch.no_grad():
        for weights in model.parameters():
            weights.copy_(torch.randn(weights.shape, generator=rng) * 0.3)
    return model.eval()


def reference(model: Phi, end: int) -> PhiForCausalLM:
    config = model.config
    other = PhiForCausalLM(
        ReferenceConfig(
            vocab_size=config.vocab_size,
            hidden_size=config.hidden_size,
            intermediate_size=config.intermediate_size,
            num_hidden_layers=config.num_hidden_layers,
            num_attention_heads=config.num_attention_heads,
            num_key_value_heads=config.num_key_value_heads,
            max_position_embeddings=config.max_position_embeddings,
            layer_norm_eps=config.layer_norm_eps,
            hidden_act="gelu_new",
            rope_parameters={
                "rope_type": "default",
                "rope_theta": 1e4,
                "partial_rotary_factor": 0.5,
            },
            bos_token_id=end,
            eos_token_id=end,
            pad_token_id=end,
            attn_implementation="eager",
        )
    ).eval()
    other.load_state_dict(model.state_dict(), strict=True)
    return other


def write(
    decoder: ReadableDecoder, tokenizer: Tokenizer, prompt: Sequence[int], settings: Settings
) -> tuple[list[GeneratedToken], Summary]:
    tokens, generation = [], generate(decoder, tokenizer, prompt, settings)
    while True:
        try:
            tokens.append(next(generation))
        except StopIteration as end:
            return tokens, end.value


# ------------------------------------------------------------------------------------------------
# Equal to transformers


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "settings",
    [
        GREEDY,
        Sampling(temperature=0, repetition_penalty=1.3),
        Sampling(temperature=0, no_repeat_ngram=2),
        Sampling(temperature=0, repetition_penalty=1.1, no_repeat_ngram=3),
    ],
)
def test_greedy_writes_what_transformers_writes(settings: Sampling, seed: int) -> None:
    tokenizer = Tokenizer.characters("abcdefghijklmnopqrstuvwxyz")
    model = random_model(tokenizer.size, seed)
    end = tokenizer.end_of_text
    assert end is not None
    prompt = tokenizer.encode("thecatsat")
    _, summary = write(ReadableDecoder(model), tokenizer, prompt, Settings(settings, max_tokens=30))
    ids = reference(model, end).generate(
        torch.tensor([prompt]),
        max_new_tokens=30,
        do_sample=False,
        repetition_penalty=settings.repetition_penalty,
        no_repeat_ngram_size=settings.no_repeat_ngram,
    )
    assert list(summary.ids) == ids[0, len(prompt) :].tolist()


def last_step(search: object) -> tuple[BeamStep, tuple]:
    step = None
    while True:
        try:
            step = next(search)  # type: ignore[call-overload]
        except StopIteration as end:
            assert step is not None
            return step, end.value


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("beams", "ngram"), [(2, 2), (4, 0)])
def test_beam_search_finds_what_transformers_finds(seed: int, beams: int, ngram: int) -> None:
    model = random_model(12, seed)
    end = seed % 12
    prompt = [3, 1, 4, 1, 5]
    _, answers = last_step(
        beam_search(
            ReadableDecoder(model),
            prompt,
            beams=beams,
            max_tokens=14,
            stop_tokens=(end,),
            sampling=Sampling(temperature=0, no_repeat_ngram=ngram, repetition_penalty=1.2),
        )
    )
    output = reference(model, end).generate(
        torch.tensor([prompt]),
        max_new_tokens=14,
        num_beams=beams,
        do_sample=False,
        no_repeat_ngram_size=ngram,
        repetition_penalty=1.2,
        length_penalty=1.0,
        early_stopping=False,
        return_dict_in_generate=True,
        output_scores=True,
    )
    wanted = output.sequences[0, len(prompt) :].tolist()
    assert list(answers[0].ids) == wanted[: len(answers[0].ids)]
    assert all(token == end for token in wanted[len(answers[0].ids) :])
    assert answers[0].score == pytest.approx(float(output.sequences_scores[0]), abs=1e-4)


def test_beam_search_never_writes_padding(model: Phi, tokenizer: Tokenizer) -> None:
    _, answers = last_step(
        beam_search(ReadableDecoder(model), [1, 2], beams=3, max_tokens=6, real_ids=tokenizer.size)
    )
    assert all(token < tokenizer.size for answer in answers for token in answer.ids)


# ------------------------------------------------------------------------------------------------
# What comes with each token


def test_alternatives_logprob_and_entropy_are_the_models_own(
    model: Phi, tokenizer: Tokenizer
) -> None:
    prompt = tokenizer.encode("Hello")
    tokens, _ = write(
        ReadableDecoder(model), tokenizer, prompt, Settings(GREEDY, max_tokens=1, alternatives=3)
    )
    with torch.inference_mode():
        logits = model(torch.tensor([prompt])).logits[0, -1, : tokenizer.size]
    own = logits.log_softmax(-1)
    assert tokens[0].id == int(own.argmax())
    assert tokens[0].logprob == pytest.approx(float(own.max()), abs=1e-4)
    assert [token for token, _ in tokens[0].alternatives] == own.topk(3).indices.tolist()
    assert tokens[0].entropy == pytest.approx(float(-(own.exp() * own).sum()), abs=1e-4)


def test_padding_is_never_written(model: Phi, tokenizer: Tokenizer) -> None:
    tokens, _ = write(
        ReadableDecoder(model),
        tokenizer,
        [1],
        Settings(Sampling(temperature=5.0), max_tokens=60, stop_tokens=()),
    )
    assert max(token.id for token in tokens) < tokenizer.size < model.config.vocab_size


def test_the_same_seed_writes_the_same(model: Phi, tokenizer: Tokenizer) -> None:
    def ids(seed: int) -> tuple[int, ...]:
        settings = Settings(Sampling(temperature=1.5), max_tokens=20, seed=seed)
        return write(ReadableDecoder(model), tokenizer, [5, 6], settings)[1].ids

    assert ids(1) == ids(1) != ids(2)


def test_looking_inside_changes_nothing_and_shows_the_newest_row(
    model: Phi, tokenizer: Tokenizer
) -> None:
    prompt = tokenizer.encode("the cat")
    plain = write(ReadableDecoder(model), tokenizer, prompt, Settings(GREEDY, max_tokens=5))[1]
    tokens, looked = write(
        ReadableDecoder(model), tokenizer, prompt, Settings(GREEDY, max_tokens=5, look=True)
    )
    assert looked.ids == plain.ids
    for place, token in enumerate(tokens):
        assert token.taps is not None
        assert token.taps.attention.shape == (2, 4, len(prompt) + place)
        assert torch.allclose(token.taps.attention.sum(-1), torch.ones(2, 4), atol=1e-5)
        assert token.taps.hidden.shape == (3, 32)


# ------------------------------------------------------------------------------------------------
# Stopping


class Script:
    """A decoder that says what it is told to, to test what happens to the text."""

    def __init__(self, ids: Sequence[int], vocabulary: int) -> None:
        self.config = PhiConfig(vocabulary, 32, 64, 1, 4, 4, 4096)
        self.capacity, self.taps, self.ids = 4096, None, ()
        self._next = iter(ids)

    @property
    def length(self) -> int:
        return 1

    def read(self, prompt: Sequence[int], **_: object) -> torch.Tensor:
        return self.decode(0)

    def decode(self, token: int, look: bool = False) -> torch.Tensor:
        scores = torch.zeros(self.config.vocab_size)
        scores[next(self._next)] = 9.0
        return scores


def scripted(tokenizer: Tokenizer, ids: Sequence[int], **settings: object) -> tuple[str, Summary]:
    decoder = Script(ids, tokenizer.size)
    tokens, summary = write(
        decoder,  # type: ignore[arg-type]
        tokenizer,
        [1],
        Settings(GREEDY, max_tokens=len(ids), **settings),  # type: ignore[arg-type]
    )
    text = "".join(token.text for token in tokens)
    assert text == summary.text
    return text, summary


@given(
    said=st.text(alphabet="abAB你😀\n", max_size=30),
    stops=st.lists(st.text(alphabet="abAB你😀\n", min_size=1, max_size=4), max_size=3),
)
def test_text_ends_before_the_first_stop_string(
    tokenizer: Tokenizer, said: str, stops: list[str]
) -> None:
    ids = tokenizer.encode(said)
    if not ids:
        return
    text, summary = scripted(tokenizer, ids, stop_strings=tuple(stops))
    if any(stop in said for stop in stops):
        assert any(said.startswith(text + stop) for stop in stops)
        assert not any(stop in text for stop in stops)
        assert summary.stop == "stop_string"
    else:
        assert text == said
        assert summary.stop == "limit"


def test_the_beginning_of_a_stop_string_waits(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("a\nInstr and more")
    decoder = Script(ids, tokenizer.size)
    settings = Settings(GREEDY, max_tokens=len(ids), stop_strings=("\nInstruct:",))
    shown = ""
    for token in generate(decoder, tokenizer, [1], settings):  # type: ignore[arg-type]
        shown += token.text
        assert not shown.endswith(("\n", "\nI", "\nIn", "\nInstr"))
    assert shown == "a\nInstr and more"


def test_half_a_character_at_the_end_becomes_a_replacement(tokenizer: Tokenizer) -> None:
    first = tokenizer.encode("😀")[0]
    text, _ = scripted(tokenizer, [first])
    assert text == "\ufffd"


def test_end_of_text_ends_and_shows_nothing(tokenizer: Tokenizer) -> None:
    end = tokenizer.end_of_text
    assert end is not None
    text, summary = scripted(tokenizer, [*tokenizer.encode("no"), end, 5, 5])
    assert (text, summary.stop) == ("no", "eos")


@pytest.mark.parametrize(("text", "size"), [("xa", 1), ("xab", 2), ("xabc", 0), ("", 0), ("b", 0)])
def test_what_may_begin_a_stop_string(text: str, size: int) -> None:
    assert may_begin(text, ["abc"]) == size


def test_closing_and_stopping_end_the_work(model: Phi, tokenizer: Tokenizer) -> None:
    decoder = ReadableDecoder(model)
    generation = generate(decoder, tokenizer, [1, 2], Settings(GREEDY, stop_tokens=()))
    next(generation)
    generation.close()
    assert decoder.ids == (1, 2)
    generation = generate(decoder, tokenizer, [1, 2], Settings(GREEDY), stop=lambda: True)
    first = next(generation)
    with pytest.raises(StopIteration) as end:
        next(generation)
    assert end.value.value.stop == "cancelled"
    assert end.value.value.ids == (first.id,)


# ------------------------------------------------------------------------------------------------
# The context


def test_a_prompt_that_begins_the_same_is_not_read_again(model: Phi, tokenizer: Tokenizer) -> None:
    decoder = ReadableDecoder(model)
    first = write(decoder, tokenizer, [1, 2, 3, 4], Settings(GREEDY, max_tokens=4))[1]
    assert first.reused_tokens == 0
    prompt = [1, 2, 3, 4, *first.ids, 9, 9]
    again = write(decoder, tokenizer, prompt, Settings(GREEDY, max_tokens=4))[1]
    assert again.reused_tokens == 7  # the last token of the answer had not been read back
    fresh = write(ReadableDecoder(model), tokenizer, prompt, Settings(GREEDY, max_tokens=4))[1]
    assert again.ids == fresh.ids
    same = write(decoder, tokenizer, prompt, Settings(GREEDY, max_tokens=4))[1]
    assert (same.reused_tokens, same.ids) == (len(prompt) - 1, fresh.ids)


def test_a_full_context_stops_or_forgets_the_middle(model: Phi, tokenizer: Tokenizer) -> None:
    prompt = list(range(1, 9))
    stopped = Settings(GREEDY, max_tokens=40, stop_tokens=(), when_full="stop")
    summary = write(ReadableDecoder(model, 16), tokenizer, prompt, stopped)[1]
    assert (summary.stop, len(summary.ids)) == ("context", 9)
    shifting = Settings(GREEDY, max_tokens=40, stop_tokens=(), keep=4)
    decoder = ReadableDecoder(model, 16)
    summary = write(decoder, tokenizer, prompt, shifting)[1]
    assert (summary.stop, len(summary.ids)) == ("limit", 40)
    assert summary.shifts > 0
    assert decoder.ids[:4] == (1, 2, 3, 4)


def test_after_a_shift_it_is_as_if_started_with_the_shorter_text(
    model: Phi, tokenizer: Tokenizer
) -> None:
    prompt = list(range(1, 9))
    settings = Settings(GREEDY, max_tokens=10, stop_tokens=(), keep=4)
    ids = write(ReadableDecoder(model, 16), tokenizer, prompt, settings)[1].ids
    kept = forget_the_middle([*prompt, *ids[:9]], 4, 16)
    again = write(ReadableDecoder(model, 16), tokenizer, kept, settings)[1].ids
    assert again[0] == ids[9]


def test_a_prompt_as_long_as_the_context_is_refused(model: Phi, tokenizer: Tokenizer) -> None:
    with pytest.raises(PromptTooLongError):
        generate(ReadableDecoder(model, 8), tokenizer, [1] * 8, Settings())
    with pytest.raises(ContextFullError):
        ReadableDecoder(model, 8).prefill([1] * 9)


# ------------------------------------------------------------------------------------------------
# Prompts


def test_formats_are_those_of_the_model_card() -> None:
    question = [Message("user", "Why is the sky blue?")]
    assert INSTRUCT.prompt(question) == "Instruct: Why is the sky blue?\nOutput:"
    talk = [Message("user", "Hi"), Message("assistant", "Hello"), Message("user", "How are you?")]
    assert CHAT.prompt(talk) == "Alice: Hi\nBob: Hello\nAlice: How are you?\nBob:"
    assert CODE.prompt([Message("user", "def add(a, b):\n    ")]) == "def add(a, b):\n    "
    continued = [Message("user", "Count"), Message("assistant", "One, two")]
    assert INSTRUCT.prompt(continued) == "Instruct: Count\nOutput: One, two"
    background = [Message("system", "A lesson."), Message("user", "Hi")]
    assert INSTRUCT.prompt(background) == "A lesson.\nInstruct: Hi\nOutput:"


def test_preview_shows_every_token(tokenizer: Tokenizer) -> None:
    text = INSTRUCT.prompt([Message("user", "sit")])
    shown = preview(tokenizer, text)
    assert tokenizer.decode(token.id for token in shown) == text
    assert "".join(token.label for token in shown) == text.replace("\n", "↵").replace(" ", "␣")


def test_long_conversations_lose_their_oldest_messages(tokenizer: Tokenizer) -> None:
    messages = [Message("system", "notes"), *[Message("user", f"the cat {n}") for n in range(20)]]
    ids, dropped = fit(tokenizer, CHAT, messages, 100, 20)
    text = tokenizer.decode(ids)
    assert len(ids) <= 80
    assert dropped > 0
    assert text.startswith("notes\n")
    assert text.endswith("the cat 19\nBob:")
