"""Chinese text gets full-width punctuation; code, formulas, links and Latin text keep theirs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.course.typography import corrected_file, fullwidth, halfwidth_faults, main

C, K, S, Q, L, R = "\uff0c", "\uff1a", "\uff1b", "\uff1f", "\uff08", "\uff09"


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("学习率,即步长", f"学习率{C}即步长"),
        ("对吗? 对; 好", f"对吗{Q}对{S}好"),
        ("学习率(learning rate)很小", f"学习率{L}learning rate{R}很小"),
        ("LSTM (长短期记忆) 网络", f"LSTM{L}长短期记忆{R}网络"),
        ("取 0.1, 然后看", f"取 0.1{C}然后看"),
        ("`lr`,即 $x,y$ 和 f(a, b)", f"`lr`{C}即 $x,y$ 和 f(a, b)"),
        ("[走](do:set?a=1&play),**快**,慢", f"[走](do:set?a=1&play){C}**快**{C}慢"),
        ("## 标题 {#a}\n\n::: try\n做\n:::", "## 标题 {#a}\n\n::: try\n做\n:::"),
        ("```\nf(x), 你, 我\n```", "```\nf(x), 你, 我\n```"),
        ("停在 ({x}, {y}),共 {n} 步:{a}", f"停在 ({{x}}, {{y}}){C}共 {{n}} 步{K}{{a}}"),
        ("z 是 logit,τ 是温度 (0.7, 0.3),p = 1", f"z 是 logit{C}τ 是温度 (0.7, 0.3){C}p = 1"),
        ("点 f(a,b) 与 Adam, SGD", "点 f(a,b) 与 Adam, SGD"),
        ("表 (*.csv);;所有文件 (*)", "表 (*.csv);;所有文件 (*)"),
        ("1,000 和 3:1", "1,000 和 3:1"),
        ("Only English, here (yes): fine?", "Only English, here (yes): fine?"),
    ],
)
def test_punctuation(text: str, right: str) -> None:
    assert fullwidth(text) == right
    assert halfwidth_faults(right) == []
    assert bool(halfwidth_faults(text)) == (text != right)


@given(st.text(alphabet="学习ab ,:;?!()[]`$*{}\n1", max_size=30))
def test_correcting_twice_changes_nothing_more(text: str) -> None:
    once = fullwidth(text)
    assert fullwidth(once) == once


def test_files_are_corrected_in_their_chinese_parts(tmp_path: Path) -> None:
    toml, prose = tmp_path / "a.toml", tmp_path / "zh.md"
    toml.write_text('a = { zh = "好,的", en = "a,b" }\nb = "中,文"\n', encoding="utf-8")
    prose.write_text("好,的\n", encoding="utf-8")
    assert main([str(tmp_path)]) == 0
    assert (
        toml.read_text(encoding="utf-8") == f'a = {{ zh = "好{C}的", en = "a,b" }}\nb = "中,文"\n'
    )
    assert prose.read_text(encoding="utf-8") == f"好{C}的\n"
    code = tmp_path / "a.py"
    code.write_text('f("好,的", f"共{n}步,{g(1, 2)}", "a,b")  # 好,的\n', encoding="utf-8")
    assert corrected_file(code) == f'f("好{C}的", f"共{{n}}步{C}{{g(1, 2)}}", "a,b")  # 好,的\n'
    assert corrected_file(toml) == toml.read_text(encoding="utf-8")
