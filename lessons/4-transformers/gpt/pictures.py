"""What the GPT lesson shows: samples, attention, next tokens and sizes as frame items."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from desktop.bilingual import Bilingual
from desktop.engine.frames import (
    Axis,
    Bars,
    Item,
    Matrices,
    Matrix,
    Readout,
    Readouts,
    TextBlocks,
    TextEntry,
    Tokens,
)
from desktop.llm.phi import Phi

if TYPE_CHECKING:
    from .experiment import Prompt, SmallGpt

MOST_SHOWN = 32
"""Tokens in a matrix on screen; of a longer prompt the newest are shown."""

CANDIDATES = 12

WEIGHT = Axis(Bilingual("权重", "weight"), limits=(0.0, 1.0))
PROBABILITY = Axis(Bilingual("概率", "probability"), limits=(0.0, 1.0))
SURPRISE = Axis(Bilingual("惊讶程度 −ln p", "surprise −ln p"), unit="nat")
LOOKS = Bilingual("正在看的词元", "token that looks")
SEEN = Bilingual("被看的词元", "token looked at")


def items(experiment: SmallGpt, prompt: Prompt) -> dict[str, Item]:
    """All items of the lesson's frame."""
    return {
        "samples": samples(experiment),
        "attention": attention(experiment, prompt),
        "heads": heads(experiment, prompt),
        "next": next_tokens(experiment, prompt),
        "prompt": surprise(experiment, prompt),
        "size": size(experiment),
        "memory": memory(experiment),
    }


def samples(experiment: SmallGpt) -> TextBlocks:
    """What the model wrote, newest first."""
    return TextBlocks(
        tuple(
            TextEntry(Bilingual(f"第 {step} 步", f"step {step}"), text)
            for step, text in experiment.samples
        )
    )


def shown(experiment: SmallGpt) -> tuple[int, int]:
    """Layer and head to show; beyond the last one, the last."""
    config = experiment.model.config
    count = config.num_hidden_layers * config.num_attention_heads
    return divmod(min(experiment.parameters.head, count - 1), config.num_attention_heads)


def window(prompt: Prompt) -> int:
    """The first token that is shown."""
    return max(0, len(prompt.ids) - MOST_SHOWN)


def head_matrix(experiment: SmallGpt, prompt: Prompt, layer: int, head: int) -> Matrix:
    """The weights of one head over the newest tokens of the prompt."""
    first = window(prompt)
    weights = prompt.output.attentions[layer][0, head, first:, first:]
    labels = tuple(experiment.tokenizer.label(token) for token in prompt.ids[first:])
    above = torch.ones(weights.shape, dtype=torch.bool).triu(1)
    return Matrix(
        weights.numpy().copy(),
        labels,
        labels,
        WEIGHT,
        diverging=False,
        mask=above.numpy(),
        row_axis=LOOKS,
        column_axis=SEEN,
        title=Bilingual(f"{layer} 层 {head} 头", f"L{layer} H{head}"),
    )


def attention(experiment: SmallGpt, prompt: Prompt) -> Matrix:
    """The head the learner chose."""
    return head_matrix(experiment, prompt, *shown(experiment))


def heads(experiment: SmallGpt, prompt: Prompt) -> Matrices:
    """All heads of all layers, one layer a row."""
    config = experiment.model.config
    count = config.num_attention_heads
    layer, head = shown(experiment)
    return Matrices(
        tuple(
            head_matrix(experiment, prompt, row, column)
            for row in range(config.num_hidden_layers)
            for column in range(count)
        ),
        columns_hint=count,
        selected=layer * count + head,
    )


def chances(experiment: SmallGpt, prompt: Prompt) -> Tensor:
    """Probabilities of the next token at the learner's temperature."""
    logits, temperature = prompt.output.logits[0, -1], experiment.parameters.temperature
    if temperature == 0:
        return F.one_hot(logits.argmax(), len(logits)).float()
    return torch.softmax(logits / temperature, dim=-1)


def candidates(prompt: Prompt) -> list[int]:
    """The likeliest next tokens, best first."""
    logits = prompt.output.logits[0, -1]
    return logits.topk(min(CANDIDATES, len(logits))).indices.tolist()


def next_tokens(experiment: SmallGpt, prompt: Prompt) -> Bars:
    """What may come after the prompt."""
    found = candidates(prompt)
    temperature = experiment.parameters.temperature
    return Bars(
        tuple(experiment.tokenizer.label(token) for token in found),
        chances(experiment, prompt)[found].numpy().copy(),
        PROBABILITY,
        keep_order=True,
        note=Bilingual(f"温度 {temperature:g}", f"at temperature {temperature:g}"),
    )


def surprise(experiment: SmallGpt, prompt: Prompt) -> Tokens:
    """The prompt's tokens, each coloured by how little the model expected it."""
    ids = torch.tensor(prompt.ids)
    costs = F.cross_entropy(prompt.output.logits[0, :-1], ids[1:], reduction="none")
    values = torch.cat([torch.full((1,), math.nan), costs])
    return Tokens(
        tuple(experiment.tokenizer.label(token) for token in prompt.ids),
        tuple(prompt.ids),
        values.numpy().copy(),
        SURPRISE,
    )


def size(experiment: SmallGpt) -> Readouts:
    """How large the model and the text are, how far and how fast training goes."""
    config, p = experiment.model.config, experiment.parameters
    read = experiment.taken * p.batch * min(p.context, len(experiment.training) - 1)
    return Readouts(
        (
            Readout(
                "parameters",
                Bilingual("参数", "parameters"),
                float(config.parameter_count),
                digits=7,
                term="parameter",
            ),
            Readout(
                "vocabulary",
                Bilingual("词表（词元）", "vocabulary (tokens)"),
                float(config.vocab_size),
                term="vocabulary",
            ),
            Readout(
                "ln_vocabulary",
                Bilingual("ln（词表）：瞎猜的损失", "blind guessing: ln(vocabulary)"),
                math.log(config.vocab_size),
                unit="nat",
                help=Bilingual(
                    "每个词元都给同样的概率时，损失正好是这个数。",
                    "The loss when every token gets the same probability.",
                ),
            ),
            Readout(
                "training_tokens",
                Bilingual("训练文本（词元）", "training text (tokens)"),
                float(len(experiment.training)),
                digits=7,
            ),
            Readout(
                "epochs",
                Bilingual("读了几遍", "times read"),
                read / len(experiment.training),
                digits=3,
                term="epoch",
                help=Bilingual(
                    "读过的词元数除以训练文本的词元数",
                    "tokens read over tokens in the training text",
                ),
            ),
        ),
        note=speed(experiment.seconds_per_step),
    )


def speed(seconds: float) -> Bilingual:
    """How fast it trains, as a remark: it depends on the machine, not on the experiment."""
    if not seconds:
        return Bilingual("速度要训练几步才量得出", "the speed shows after a few steps")
    each = seconds * 1000
    return Bilingual(
        f"这台机器：每步 {each:.0f} 毫秒，每秒 {1 / seconds:.1f} 步",
        f"here: {each:.0f} ms a step, {1 / seconds:.1f} steps a second",
    )


def memory(experiment: SmallGpt) -> Readouts:
    """Bytes of what training keeps in memory, counted on the real tensors."""
    weights = tensor_bytes(list(experiment.model.parameters()))
    state = [
        value
        for entry in experiment.optimizer.state.values()
        for value in entry.values()
        if isinstance(value, Tensor)
    ]
    mega = 2**20
    parts = (
        ("weights", Bilingual("权重", "weights"), weights / mega),
        ("gradients", Bilingual("梯度", "gradients"), weights / mega),
        (
            "optimizer",
            Bilingual("AdamW 的两个平均", "AdamW’s two averages"),
            (tensor_bytes(state) or 2 * weights) / mega,
        ),
        (
            "activations",
            Bilingual("一批的中间结果", "activations of a batch"),
            experiment.activation_bytes / mega,
        ),
    )
    total = sum(value for _, _, value in parts)
    readouts = [Readout(name, label, value, "MiB", 3) for name, label, value in parts]
    readouts.append(Readout("total", Bilingual("合计", "together"), total, "MiB", 3))
    return Readouts(
        tuple(readouts),
        note=Bilingual("按真实的张量数出来", "counted on the real tensors"),
    )


def tensor_bytes(tensors: list[Tensor]) -> int:
    """Bytes of all elements."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def activation_bytes(model: Phi, passages: tuple[Tensor, Tensor], batch: int) -> int:
    """Bytes that a batch keeps for the backward pass, measured on one passage.

    Weights are saved for the backward pass as well, but they are there anyway: not counted.
    """
    inputs, targets = passages[0][:1], passages[1][:1]
    own = {weights.untyped_storage().data_ptr() for weights in model.parameters()}
    stored: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            stored[storage.data_ptr()] = storage.nbytes()
        kept.append(tensor)  # while it lives, no other tensor can take its address
        return tensor

    kept: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        logits = model(inputs).logits
        F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    return batch * sum(stored.values())
