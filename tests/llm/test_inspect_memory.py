"""Looking inside after the fact and live; memory estimates; opening models for the chat."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import torch

from desktop import cli
from desktop.commands import bench_chat_random
from desktop.commands.bench_chat import measure
from desktop.commands.bench_chat_random import RandomWeights, phi_2
from desktop.llm import fast_open, model_folder
from desktop.llm.cache import ReadableDecoder
from desktop.llm.fast import FastDecoder, QuantizedPhi, prepare
from desktop.llm.fast_open import NotEnoughMemoryError, open_for_chat
from desktop.llm.generate import Settings, generate
from desktop.llm.inspect import LiveLens, inspect_token, logit_lens
from desktop.llm.kernels_choice import Choice, choose_for_processor
from desktop.llm.memory import available, estimate, judge
from desktop.llm.phi import Phi, PhiConfig, initialise
from desktop.llm.sampling import Sampling
from desktop.llm.tokenizer import Tokenizer

CONFIG = PhiConfig(64, 64, 128, 3, 4, 4, 64)
GREEDY = Sampling(temperature=0)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.characters("abcdefghijklmnopqrstuvwxyz .,?\n:IO")


@pytest.fixture(scope="module")
def model() -> Phi:
    model = Phi(CONFIG)
    initialise(model, torch.Generator().manual_seed(3), spread=0.3)
    return model.eval()


@pytest.fixture(scope="module")
def folder(model: Phi, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "small"
    model_folder.save(folder, model, tokenizer)
    return folder


def fast(model: Phi) -> FastDecoder:
    choice = Choice("int4", choose_for_processor().why)
    return FastDecoder(prepare(QuantizedPhi.from_phi(model, fit="minmax"), choice.make))


# ------------------------------------------------------------------------------------------------
# Looking inside


@pytest.mark.parametrize("kind", ["readable", "fast"])
def test_looking_back_equals_looking_while_writing(
    kind: str, model: Phi, tokenizer: Tokenizer
) -> None:
    decoder = ReadableDecoder(model) if kind == "readable" else fast(model)
    prompt = tokenizer.encode("the cat sat")
    settings = Settings(GREEDY, max_tokens=6, look=True, stop_tokens=())
    tokens = list(generate(decoder, tokenizer, prompt, settings))
    ids, after = decoder.ids, decoder.decode(3)
    decoder.rewind(len(ids))
    for place, token in enumerate(tokens[:-1], start=len(prompt)):
        seen = inspect_token(decoder, place, real_ids=tokenizer.size)
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


def test_the_lens_of_the_last_layer_is_the_answer(model: Phi) -> None:
    decoder = ReadableDecoder(model)
    decoder.prefill([1, 2, 3])
    scores = decoder.decode(4, look=True)
    assert decoder.taps is not None
    lens = logit_lens(decoder, decoder.taps.hidden, top=3, chosen=7)
    own = scores.softmax(-1)
    assert lens.ids.shape == (4, 3)
    assert lens.ids[-1].tolist() == own.topk(3).indices.tolist()
    assert lens.chosen is not None
    assert float(lens.chosen[-1]) == pytest.approx(float(own[7]), abs=1e-5)


def test_the_live_lens_keeps_to_its_share(model: Phi, tokenizer: Tokenizer) -> None:
    decoder = ReadableDecoder(model)
    settings = Settings(GREEDY, max_tokens=10, look=True, stop_tokens=())
    live = LiveLens(decoder, share=0.0)
    seen = [live.see(token) for token in generate(decoder, tokenizer, [1, 2], settings)]
    assert seen[0] is not None  # the first one measures how long it takes
    assert not any(seen[1:])


# ------------------------------------------------------------------------------------------------
# Memory


def test_the_estimate_of_phi_2_is_about_right() -> None:
    four = estimate(phi_2(), form="int4", capacity=2048)
    assert 1.5e9 < four.weights < 1.9e9
    assert four.cache == 2 * 32 * 2048 * 2560 * 4
    assert estimate(phi_2(), form="float32").weights == 4 * phi_2().parameter_count
    assert estimate(phi_2(), form="int4", device="cuda").cache == 2 * 32 * 2048 * 2560 * 2


def test_the_estimate_of_weights_equals_what_is_made(model: Phi) -> None:
    made = fast(model).weights
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
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.llm.memory.available", lambda device="cpu": 1000)
    with pytest.raises(NotEnoughMemoryError) as error:
        open_for_chat(folder)
    assert error.value.hint.en


# ------------------------------------------------------------------------------------------------
# Opening and the commands


def test_small_models_open_readably(folder: Path) -> None:
    opened = open_for_chat(folder, capacity=32)
    assert (opened.path, opened.decoder.capacity) == ("phi.py float32", 32)


def test_large_models_open_quantized(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_open, "SMALL", 0)
    opened = open_for_chat(folder, device="cpu")
    assert isinstance(opened.decoder, FastDecoder)
    assert opened.path.startswith("fast.py")
    assert torch.isfinite(opened.decoder.prefill([1, 2, 3])).all()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def chat(folder: Path, *more: str) -> int:
    return cli.main(["chat", "--model", str(folder), "--lang", "en", "--threads", "1", *more])


def test_chat_prints_a_line_for_each_token(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--json", "--prompt", "the cat", "--raw", "--max-tokens", "5", "--temperature", "0"]
    assert chat(folder, *given, "--system-info") == 0
    system, *tokens, done = lines(capsys)
    assert system["type"] == "system"
    assert done["type"] == "done"
    assert done["prompt_tokens"] == 7
    assert done["device"] == "cpu"
    assert "".join(token["text"] for token in tokens) == done["text"]
    assert all(len(token["top"]) == 5 and token["ms"] > 0 for token in tokens)
    assert chat(folder, *given) == 0
    assert [t["id"] for t in lines(capsys)[:-1]] == [t["id"] for t in tokens]


def test_chat_takes_ids_and_beams(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--json", "--ids", "3,4,5", "--max-tokens", "4", "--beams", "3"]
    assert chat(folder, *given, "--no-repeat-ngram", "2") == 0
    *tokens, done = lines(capsys)
    assert done["prompt_tokens"] == 3
    assert done["score"] == pytest.approx(sum(t["logprob"] for t in tokens) / len(tokens), abs=1e-3)


def test_a_conversation_from_a_pipe(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = iter(["hello", "", "again"])

    def ask(prompt: str = "") -> str:
        try:
            return next(said)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", ask)
    assert chat(folder, "--json", "--max-tokens", "3") == 0
    done = [line for line in lines(capsys) if line["type"] == "done"]
    assert len(done) == 2
    assert done[1]["prompt_tokens"] > done[0]["prompt_tokens"]


@pytest.mark.parametrize(
    "wrong",
    [
        ["--ids", "1,x"],
        ["--ids", "99999"],
        ["--prompt", "a", "--temperature", "-1"],
        ["--prompt", "a", "--top-p", "7"],
        ["--prompt", "a" * 500],
    ],
)
def test_mistakes_are_one_sentence(
    wrong: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert chat(folder, "--json", *wrong) != 0
    printed = capsys.readouterr()
    assert json.loads(printed.out.splitlines()[-1])["type"] == "error"
    assert printed.err.count("\n") == 1


def test_no_model_is_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.tutor.model_folder", lambda: tmp_path / "no tutor")
    assert cli.main(["chat", "--prompt", "a", "--data-dir", str(tmp_path), "--lang", "en"]) != 0
    assert "no model" in capsys.readouterr().err


def test_bench_measures_a_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = [
        "--prompts",
        "20",
        "--contexts",
        "4",
        "--tokens",
        "3",
        "--repeats",
        "2",
        "--threads",
        "1",
    ]
    assert cli.main(["bench", "chat", "--model", str(folder), "--json", *few]) == 0
    report = lines(capsys)[0]
    assert (report["what"], report["device"], report["repeats"]) == ("chat", "cpu", 2)
    for name in ("prefill_20", "decode_4"):
        assert 0 < report[name]["min"] <= report[name]["median"] <= report[name]["max"]
    assert report["peak_rss_bytes"] > 1e8


def test_random_weights_have_the_shapes_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = RandomWeights(CONFIG)
    decoder = FastDecoder(
        prepare(QuantizedPhi(CONFIG, weights), Choice("int4", choose_for_processor().why).make)
    )
    assert len(weights) == len(Phi(CONFIG).state_dict())
    assert torch.isfinite(decoder.prefill([1, 2])).all()
    assert "decode_4" in measure(decoder, [5], [4], 2, 1)


def test_bench_measures_looking_inside(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = [
        "--prompts",
        "20",
        "--contexts",
        "4",
        "--tokens",
        "6",
        "--repeats",
        "2",
        "--threads",
        "1",
    ]
    assert cli.main(["bench", "chat", "--model", str(folder), "--json", "--inside", *few]) == 0
    report = lines(capsys)[0]
    for name in ("plain_4", "answer_4", "inside_4"):
        assert 0 < report[name]["min"] <= report[name]["median"] <= report[name]["max"]
    assert report["inside_slower_4"]["median"] > -100
    assert 1 <= report["lenses_4"]["min"] <= report["lenses_4"]["max"] <= 7


def test_bench_measures_a_conversion(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way with another shape: float16 files, conversion, opening, figures, no traces."""
    monkeypatch.setattr(bench_chat_random, "phi_2", lambda: CONFIG)
    few = [
        "--prompts",
        "20",
        "--contexts",
        "4",
        "--tokens",
        "3",
        "--repeats",
        "1",
        "--threads",
        "1",
    ]
    place = ["--data-dir", str(tmp_path), "--json", "--lang", "en"]
    assert cli.main(["bench", "chat", "--random", "phi-2", "--convert", *few, *place]) == 0
    report = lines(capsys)[0]
    assert 0.05 < report["convert_error"] < 0.1
    assert report["convert_s"] > 0
    assert report["convert_bytes"] > CONFIG.parameter_count / 2
    assert report["decode_4"]["median"] > 0
    assert list(tmp_path.iterdir()) == []
    assert cli.main(["bench", "chat", "--model", "x", "--convert", *place]) != 0
    assert "--random" in capsys.readouterr().err


def test_a_worker_measures_what_is_asked_for(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ['{"op": "decode", "n": 3, "ctx": 5}', '{"op": "prefill", "n": 20}']
    few = ["--prompts", "20", "--contexts", "4", "--tokens", "3", "--threads", "1", "--worker"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(asked) + "\n"))
    assert cli.main(["bench", "chat", "--model", str(folder), *few]) == 0
    ready, wrote, read = lines(capsys)
    assert ready["ready"]
    assert wrote["tok_s"] == pytest.approx(3 / wrote["t"])
    assert read["tok_s"] == pytest.approx(20 / read["t"])
    for wrong in ('{"op": "sing", "n": 3}', "not json", '{"op": "decode", "n": 1000000}'):
        monkeypatch.setattr("sys.stdin", io.StringIO(wrong + "\n"))
        assert cli.main(["bench", "chat", "--model", str(folder), *few]) != 0
        assert wrong in capsys.readouterr().err
