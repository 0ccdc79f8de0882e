"""One attention weight, one probability, one surprise, worked out with their real numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from desktop.bilingual import Bilingual
from desktop.engine.frames import Explanation

from .pictures import candidates, chances, shown, window

if TYPE_CHECKING:
    from .experiment import Prompt, SmallGpt

MOST_TERMS = 5
EMPTY = Bilingual("", "")


def number(value: float) -> str:
    """A number as LaTeX with four significant digits."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.4g}"
    if not math.isfinite(value):
        return r"\mathrm{NaN}" if math.isnan(value) else r"\infty"
    mantissa, exponent = f"{value:.3e}".split("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}"


def _text(value: float) -> str:
    """The same in a sentence, with a true minus sign."""
    return f"{value:.4g}".replace("-", "−")


def factor(value: float) -> str:
    """A number that stands in a product: negative ones in brackets."""
    return f"({number(value)})" if value < 0 or abs(value) < 1e-3 else number(value)


def shorten(terms: Sequence[str]) -> str:
    """Terms joined by plus signs, the middle left out when there are many."""
    if len(terms) > MOST_TERMS:
        terms = [*terms[: MOST_TERMS - 2], r"\cdots", terms[-1]]
    return " + ".join(terms)


def explain(
    experiment: SmallGpt, prompt: Prompt, item: str, index: tuple[int, ...]
) -> Explanation | None:
    """The arithmetic behind ``index`` of ``item``."""
    layer, head = shown(experiment)
    if item == "heads" and len(index) == 3:
        layer, head = divmod(index[0], experiment.model.config.num_attention_heads)
        item, index = "attention", index[1:]
    if item == "attention" and len(index) == 2:
        first = window(prompt)
        row, column = index[0] + first, index[1] + first
        if not (0 <= row < len(prompt.ids) and 0 <= column < len(prompt.ids)):
            return None
        return attention_cell(experiment, prompt, layer, head, row, column)
    if item == "next" and index and 0 <= index[0] < len(candidates(prompt)):
        return probability(experiment, prompt, index[0])
    if item == "prompt" and index and 0 < index[0] < len(prompt.ids):
        return surprise(experiment, prompt, index[0])
    return None


def attention_cell(
    experiment: SmallGpt, prompt: Prompt, layer: int, head: int, row: int, column: int
) -> Explanation:
    """q·k/√d, then softmax over the row."""
    label = experiment.tokenizer.label
    looks, seen = label(prompt.ids[row]), label(prompt.ids[column])
    title = Bilingual(
        f"第 {layer} 层头 {head}：“{looks}”看“{seen}”",
        f"layer {layer}, head {head}: “{looks}” looks at “{seen}”",
    )
    if column > row:
        return Explanation(
            title,
            ((r"e^{-\infty} = 0", Bilingual("被因果掩码盖住", "covered by the causal mask")),),
            Bilingual("它在后面，预测时还看不到。", "It comes later and is not there yet."),
            term="causal-mask",
        )
    q, k = experiment.queries_and_keys(prompt, layer)
    size = q.shape[-1]
    scores = (k[head, : row + 1] @ q[head, row]) / math.sqrt(size)
    terms = [
        rf"{factor(a)} \cdot {factor(b)}"
        for a, b in zip(q[head, row].tolist(), k[head, column].tolist(), strict=True)
    ]
    highest = scores.max()
    powers = torch.exp(scores - highest)
    score, power, total = float(scores[column]), float(powers[column]), float(powers.sum())
    return Explanation(
        title,
        (
            (
                r"q \cdot k = " + shorten(terms) + f" = {number(score * math.sqrt(size))}",
                Bilingual(
                    f"位置已经转进 q 和 k 里，d = {size} 项",
                    f"positions are already turned into q and k; d = {size} terms",
                ),
            ),
            (
                rf"s = \frac{{q \cdot k}}{{\sqrt{{{size}}}}} = {number(score)}",
                Bilingual("除以 √d", "divided by √d"),
            ),
            (
                rf"a = \frac{{e^{{s - m}}}}{{\sum_j e^{{s_j - m}}}}"
                rf" = \frac{{{number(power)}}}{{{number(total)}}} = {number(power / total)}",
                Bilingual(
                    f"m = {_text(float(highest))} 是能看到的 {row + 1} 个得分中最大的",
                    f"m = {_text(float(highest))} is the largest of the {row + 1} scores in sight",
                ),
            ),
        ),
        term="self-attention",
    )


def probability(experiment: SmallGpt, prompt: Prompt, place: int) -> Explanation:
    """softmax(logits / T) for one candidate."""
    token = candidates(prompt)[place]
    logits, temperature = prompt.output.logits[0, -1], experiment.parameters.temperature
    logit, chance = float(logits[token]), float(chances(experiment, prompt)[token])
    name = experiment.tokenizer.label(token)
    title = Bilingual(f"下一个词元是“{name}”", f"“{name}” comes next")
    if temperature == 0:
        line = (
            f"z = {number(logit)}",
            Bilingual("温度 0：只取得分最高的", "temperature 0: only the highest logit counts"),
        )
        return Explanation(title, (line,), term="temperature")
    highest = float(logits.max())
    total = float(torch.exp((logits - highest) / temperature).sum())
    power = math.exp((logit - highest) / temperature)
    return Explanation(
        title,
        (
            (
                rf"z = {number(logit)}, \quad T = {temperature:g}",
                Bilingual("模型给它的得分（logit）和温度", "its logit and the temperature"),
            ),
            (
                rf"p = \frac{{e^{{(z - m)/T}}}}{{\sum_j e^{{(z_j - m)/T}}}}"
                rf" = \frac{{{number(power)}}}{{{number(total)}}} = {number(chance)}",
                Bilingual(
                    f"m = {_text(highest)} 是最高的得分；对全部 {len(logits)} 个词元求和",
                    f"m = {_text(highest)} is the highest logit; the sum is over all {len(logits)} tokens",
                ),
            ),
        ),
        term="temperature",
    )


def surprise(experiment: SmallGpt, prompt: Prompt, place: int) -> Explanation:
    """The cost of one token of the prompt, at temperature 1 as the loss has it."""
    logits = prompt.output.logits[0, place - 1]
    token = prompt.ids[place]
    chance = float(torch.softmax(logits, dim=-1)[token])
    name = experiment.tokenizer.label(token)
    best = experiment.tokenizer.label(int(logits.argmax()))
    return Explanation(
        Bilingual(f"“{name}”有多出乎意料", f"how surprising “{name}” is"),
        (
            (
                rf"-\ln p = -\ln {number(chance)} = {number(-math.log(max(chance, 1e-45)))}",
                Bilingual(
                    "模型根据前面的词元给它的概率是 p",
                    "p is what the model gave it, seeing what stands before",
                ),
            ),
        ),
        Bilingual(
            f"模型在这里最看好的是“{best}”。所有词元的 −ln p 取平均，就是损失。",
            f"Here the model favoured “{best}”. The mean of −ln p over all tokens is the loss.",
        ),
        term="cross-entropy",
    )
