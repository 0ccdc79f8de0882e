"""Self-attention on one sentence, every intermediate matrix kept, trained to predict the next word.

One layer and nothing but attention: embeddings, three learned projections, softmax, weighted sum,
and a read-out to the vocabulary. There is no bypass around the attention, so whatever the model
knows about earlier words has come through the weights on screen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from desktop.engine.experiment import Experiment
from desktop.engine.frames import Explanation, Finding, Item
from desktop.engine.history import History

from . import arithmetic, findings, pictures
from .parameters import SCALARS, Parameters, split_text

OWN_WORDS = 200
"""Rows of the embedding table that are free for words of the learner."""

OWN_COPIES = 8
"""The learner's sentence counts as much as this many practice sentences."""

WEIGHT_DECAY = 1.0
"""Keeps queries and keys small. Without it the scores keep growing, softmax saturates early, and
learning gets stuck looking at the wrong word."""


# ---- the code on show: plain torch


def practice_sentences() -> list[list[str]]:
    """Sentences whose pronoun depends on the person and whose ending depends on the verb."""
    english = (
        ("the king", "he"),
        ("the queen", "she"),
        ("the boy", "he"),
        ("the girl", "she"),
        ("my father", "he"),
        ("my mother", "she"),
    )
    chinese = (
        ("国王", "他"),
        ("王后", "她"),
        ("男孩", "他"),
        ("女孩", "她"),
        ("爸爸", "他"),
        ("妈妈", "她"),
    )
    sentences = []
    for person, pronoun in english:
        for verb, ending in (("smiled", "happy"), ("cried", "sad"), ("sighed", "tired")):
            sentences.append(f"{person} {verb} and said {pronoun} was {ending}".split())
    for person, pronoun in chinese:
        for verb, ending in (("笑着", "开心"), ("哭着", "难过"), ("叹气", "疲惫")):
            sentences.append(list(f"{person}{verb}说{pronoun}很{ending}"))
    return sentences


def softmax(scores: Tensor) -> Tensor:
    """Turn each row of scores into positive weights that sum to 1."""
    highest = scores.max(dim=-1, keepdim=True).values  # taken away so that exp cannot overflow
    powers = torch.exp(scores - highest)
    return powers / powers.sum(dim=-1, keepdim=True)


class Attention(NamedTuple):
    """Everything between the queries and the output, kept so that it can be looked at."""

    scores: Tensor
    scaled: Tensor
    weights: Tensor
    output: Tensor


def attention(q: Tensor, k: Tensor, v: Tensor, allowed: Tensor, scale: bool) -> Attention:
    """softmax(q kᵀ / √d) v, where a word looks only at words that are allowed."""
    scores = q @ k.transpose(-2, -1)
    scaled = scores / math.sqrt(q.shape[-1]) if scale else scores
    weights = softmax(scaled.masked_fill(~allowed, float("-inf")))
    return Attention(scores, scaled, weights, weights @ v)


def looks_back(length: int) -> Tensor:
    """The causal mask: row i is True up to column i."""
    return torch.ones(length, length, dtype=torch.bool).tril()


def position_code(length: int, width: int) -> Tensor:
    """Sines and cosines that tell the model where in the sentence a word stands."""
    place = torch.arange(length).unsqueeze(1)
    turns = torch.exp(-math.log(10000.0) * torch.arange(0, width, 2) / width)
    waves = torch.stack([torch.sin(place * turns), torch.cos(place * turns)], dim=2)
    return waves.flatten(1)[:, :width]


class OneAttentionLayer(nn.Module):
    """Embeddings, three projections, attention in several heads, and a read-out."""

    def __init__(self, words: int, heads: int, size: int, rng: torch.Generator) -> None:
        super().__init__()
        self.heads, self.size, width = heads, size, heads * size

        def random(rows: int, columns: int, spread: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(rows, columns, generator=rng) * spread)

        self.embedding = random(words, width, 1.0)
        self.w_q = random(width, width, width**-0.5)
        self.w_k = random(width, width, width**-0.5)
        self.w_v = random(width, width, width**-0.5)
        self.readout = random(width, words, 0.1 * width**-0.5)

    def embed(self, ids: Tensor) -> Tensor:
        """The vector of each word plus the code of its position."""
        return self.embedding[ids] + position_code(ids.shape[-1], self.heads * self.size)

    def split(self, x: Tensor) -> Tensor:
        """(…, words, heads × size) as (…, heads, words, size)."""
        return x.unflatten(-1, (self.heads, self.size)).transpose(-3, -2)

    def forward(self, ids: Tensor, allowed: Tensor, scale: bool) -> tuple[Tensor, Attention]:
        """Scores for the next word at every position, and the attention that led to them."""
        x = self.embed(ids)
        q, k, v = (self.split(x @ w) for w in (self.w_q, self.w_k, self.w_v))
        found = attention(q, k, v, allowed, scale)
        together = found.output.transpose(-3, -2).flatten(-2)
        return together @ self.readout, found


def make_batch(sentences: list[list[int]]) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, next ids (-100 where there is none) and which places hold a word, padded to one length."""
    longest = max(len(sentence) for sentence in sentences)
    ids = torch.zeros(len(sentences), longest, dtype=torch.long)
    following = torch.full((len(sentences), longest), -100)
    for row, sentence in enumerate(sentences):
        ids[row, : len(sentence)] = torch.tensor(sentence)
        following[row, : len(sentence) - 1] = torch.tensor(sentence[1:], dtype=torch.long)
    lengths = torch.tensor([len(sentence) for sentence in sentences])
    return ids, following, torch.arange(longest) < lengths.unsqueeze(1)


def next_word_loss(
    model: OneAttentionLayer,
    batch: tuple[Tensor, Tensor, Tensor],
    known: int,
    causal: bool,
    scale: bool,
) -> tuple[Tensor, Tensor]:
    """Cross-entropy at each place that has a next word (0 elsewhere), and the logits."""
    ids, following, real = batch
    allowed = real[:, None, None, :]
    if causal:
        allowed = allowed & looks_back(ids.shape[1])
    logits = model(ids, allowed, scale)[0][..., :known]
    losses = F.cross_entropy(logits.flatten(0, 1), following.flatten(), reduction="none")
    return losses.view_as(following), logits


def all_words(practice: list[list[str]], own: list[str]) -> list[str]:
    """The vocabulary: every word once, practice sentences first."""
    return list(dict.fromkeys(word for words in [*practice, own] for word in words))


def sentence_batch(
    practice: list[list[str]], own: list[str], vocabulary: list[str]
) -> tuple[Tensor, Tensor, Tensor]:
    """All sentences as ids; the learner's own ones are at the end."""
    number = {word: place for place, word in enumerate(vocabulary)}
    rows = [[number[word] for word in words] for words in practice]
    return make_batch(rows + [[number[word] for word in own]] * OWN_COPIES)


def mean_loss(losses: Tensor, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Mean over the places that have a next word."""
    return losses.sum() / (batch[1] >= 0).sum()


def make_optimizer(model: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
    """AdamW with a strong pull towards zero."""
    return torch.optim.AdamW(
        model.parameters(), lr=learning_rate, betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY
    )


def train(
    text: str,
    heads: int,
    size: int,
    scaled: bool,
    causal: bool,
    learning_rate: float,
    seed: int,
    steps: int,
) -> None:
    """The whole lesson as one loop: predict the next word, follow the gradient, print."""
    rng = torch.Generator().manual_seed(seed)
    practice, own = practice_sentences(), split_text(text)
    vocabulary = all_words(practice, own)
    batch = sentence_batch(practice, own, vocabulary)
    model = OneAttentionLayer(len(all_words(practice, [])) + OWN_WORDS, heads, size, rng)
    optimizer = make_optimizer(model, learning_rate)
    for step in range(1, steps + 1):
        losses, _ = next_word_loss(model, batch, len(vocabulary), causal, scaled)
        optimizer.zero_grad()
        mean_loss(losses, batch).backward()
        optimizer.step()
        with torch.no_grad():
            losses, _ = next_word_loss(model, batch, len(vocabulary), causal, scaled)
        print(f"step {step} loss={float(mean_loss(losses, batch)):.6g}")


# ---- end of the code on show


class SelfAttention(Experiment[Parameters]):
    """The lesson's experiment: the learner's sentence in front, practice sentences behind it."""

    Parameters = Parameters
    scalars = SCALARS
    state_names = ("model", "optimizer", "vocabulary", "rng")
    shown_code = (
        softmax,
        Attention,
        attention,
        looks_back,
        position_code,
        OneAttentionLayer,
        practice_sentences,
        split_text,
        "OWN_WORDS",
        "OWN_COPIES",
        "WEIGHT_DECAY",
        all_words,
        make_batch,
        sentence_batch,
        next_word_loss,
        mean_loss,
        make_optimizer,
    )
    script_main = train

    def build(self) -> None:
        """Random embeddings and projections: at step 0 the model knows nothing."""
        chosen = self.parameters
        self.practice = practice_sentences()
        self.vocabulary = all_words(self.practice, split_text(chosen.text))
        self.built_in = len(all_words(self.practice, []))
        words = self.built_in + OWN_WORDS
        self.model = OneAttentionLayer(words, chosen.heads, chosen.size, self.rng)
        self.optimizer = make_optimizer(self.model, chosen.learning_rate)
        self.saturation = pictures.saturation_curves()
        places = [words.index("said" if "said" in words else "说") for words in self.practice]
        self._said = torch.tensor(places)
        self._indexed: tuple[str, list[str]] = ("", [])

    # ---- the learner's sentence

    @property
    def words(self) -> list[str]:
        """The learner's sentence as tokens."""
        return split_text(self.parameters.text)

    def adopt(self, parameters: Parameters) -> None:
        """Live changes: another sentence, scale, mask, learning rate, or another view."""
        self.parameters = parameters
        for group in self.optimizer.param_groups:
            group["lr"] = parameters.learning_rate
        for word in self.words:
            if word not in self.vocabulary:
                self._make_room(word)

    def _make_room(self, word: str) -> None:
        """Give a new word a row; once all are taken, the oldest one that is not in use."""
        if len(self.vocabulary) < self.built_in + OWN_WORDS:
            self.vocabulary.append(word)
            return
        kept = set(self.words)
        old = next(w for w in self.vocabulary[self.built_in :] if w not in kept)
        row = self.vocabulary.index(old)
        width = self.model.embedding.shape[1]
        with torch.no_grad():
            self.model.embedding[row] = torch.randn(width, generator=self.rng)
        self.vocabulary[row] = word

    def _index(self) -> None:
        """Turn sentences into ids, again only when the sentence or the vocabulary is another."""
        if self._indexed == (self.parameters.text, self.vocabulary):
            return
        number = {word: place for place, word in enumerate(self.vocabulary)}
        self.ids = torch.tensor([number[word] for word in self.words])
        self.batch = sentence_batch(self.practice, self.words, self.vocabulary)
        self._indexed = (self.parameters.text, list(self.vocabulary))

    # ---- training and measuring

    def step(self) -> Mapping[str, float]:
        """One step of AdamW on the next-word loss over all sentences."""
        losses, _ = self._losses()
        self.optimizer.zero_grad()
        mean_loss(losses, self.batch).backward()
        self.optimizer.step()
        return self.measure()

    def _losses(self) -> tuple[Tensor, Tensor]:
        self._index()
        p = self.parameters
        return next_word_loss(self.model, self.batch, len(self.vocabulary), p.causal, p.scaled)

    @torch.no_grad()
    def measure(self) -> Mapping[str, float]:
        """The scalars with the weights as they are now."""
        losses, _ = self._losses()
        measured = {"loss": float(mean_loss(losses, self.batch))}
        if len(self.words) > 1:
            measured["text_loss"] = float(losses[-1].sum()) / (len(self.words) - 1)
        right = losses[torch.arange(len(self.practice)), self._said]
        measured["pronoun"] = float(torch.exp(-right).mean())
        inside = self.inside()
        measured["entropy"] = float(pictures.row_entropy(inside.found.weights).mean())
        measured["peak"] = float(inside.found.weights.amax(-1).mean())
        measured["max_difference"] = inside.difference
        return measured

    @torch.no_grad()
    def inside(self) -> pictures.Inside:
        """All intermediate results for the learner's sentence."""
        self._index()
        p, model = self.parameters, self.model
        count = len(self.words)
        allowed = looks_back(count) if p.causal else torch.ones(count, count, dtype=torch.bool)
        x = model.embed(self.ids)
        q, k, v = (model.split(x @ w) for w in (model.w_q, model.w_k, model.w_v))
        found = attention(q, k, v, allowed, p.scaled)
        reference = F.scaled_dot_product_attention(
            q, k, v, attn_mask=allowed, scale=model.size**-0.5 if p.scaled else 1.0
        )
        together = found.output.transpose(-3, -2).flatten(-2)
        logits = (together @ model.readout)[:, : len(self.vocabulary)]
        difference = float((reference - found.output).abs().max())
        return pictures.Inside(x, q, k, v, allowed, found, torch.softmax(logits, -1), difference)

    # ---- showing

    def frame(self) -> Mapping[str, Item]:
        """The sentence, every matrix on the way to the output, and the check against torch."""
        return pictures.items(self, self.inside())

    def explain(self, item: str, index: tuple[int, ...]) -> Explanation | None:
        """The arithmetic of one cell with its numbers."""
        return arithmetic.explain(self, self.inside(), item, index)

    def diagnose(self, history: History) -> list[Finding]:
        """Saturated softmax, a visible answer, a learning rate that is too high."""
        return findings.find(self, history)
