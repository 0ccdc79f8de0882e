"""Tokens that are parts of a character are shown as that character, or quietly as bytes."""

import pytest

from desktop.course.chats import TokenRecord
from desktop.llm.tokenizer import Tokenizer
from desktop.ui.chat.attention import AttentionText
from desktop.ui.chat.byte_tokens import spell, spell_after, spell_record
from desktop.ui.strings import language


def test_parts_of_a_character_show_the_character_and_their_number():
    first, second, plain = spell(["⟨E5⟩⟨AD⟩", "⟨A6⟩", "习率"])
    assert (first.alone, first.within, first.quiet) == ("学 1/2", "学", False)
    assert (second.alone, second.within, second.quiet) == ("学 2/2", "·", True)
    assert (plain.alone, plain.within, plain.tip) == ("习率", "习率", "")
    assert "2 tokens" in first.tip
    assert "E5 AD" in first.tip


def test_bytes_that_are_no_character_are_quiet_and_say_why():
    (alone,) = spell(["⟨E5⟩⟨AD⟩"])
    assert (alone.alone, alone.quiet) == ("E5 AD", True)
    assert "byte by byte" in alone.tip
    language().set("zh")
    assert "一个字的一部分" in spell(["⟨F4⟩"])[0].tip


def test_a_token_may_end_one_character_and_begin_the_next():
    _, middle, _ = spell(["⟨E5⟩⟨AD⟩", "⟨A6⟩⟨E4⟩", "⟨B9⟩⟨A0⟩"])
    assert middle.within == "·习"
    assert middle.alone == "学 2/2 习 1/2"


def test_a_candidate_is_the_character_it_would_complete():
    before = ["一", "⟨E5⟩", "⟨AD⟩"]
    assert spell_after(before, "⟨A6⟩").alone == "学 3/3"
    assert spell_after(before, "⟨97⟩").alone == "字 3/3"
    assert spell_after(before, "x").alone == "x"


@pytest.mark.parametrize("text", ["学习率是每一步走多远。", "a 🦊 b", "naïve"])
def test_nothing_of_a_text_is_lost(text):
    tokenizer = Tokenizer.train_bpe("plain English only. " * 9, 300)
    spelled = spell([tokenizer.label(one) for one in tokenizer.encode(text)])
    shown = "".join(one.within for one in spelled if not one.quiet)
    assert shown.replace("␣", " ") == text


def test_a_token_of_an_answer_is_spelled_with_its_neighbours():
    records = [
        TokenRecord(1, "", 0.0, ((1, "⟨E5⟩⟨AD⟩", 0.0),)),
        TokenRecord(2, "学", 0.0, ((2, "⟨A6⟩", 0.0),)),
        TokenRecord(3, "习", 0.0, ((3, "习", 0.0),)),
    ]
    assert [spell_record(records, place).alone for place in range(3)] == ["学 1/2", "学 2/2", "习"]


def test_the_attention_says_each_share_under_the_mouse(qtbot):
    import numpy as np

    view = AttentionText()
    qtbot.addWidget(view)
    view.show_weights(("⟨E5⟩⟨AD⟩", "⟨A6⟩", "<b>"), np.array([0.25, 0.25, 0.5], dtype=np.float32))
    legend, shown = view.toPlainText().split("\n")
    assert legend == "Deepest: “<b>” with 50 %"
    assert shown.startswith("学\u200b·\u200b<b>")
    cursor = view.textCursor()
    cursor.setPosition(len(legend) + 2)
    tip = cursor.charFormat().toolTip()
    assert "“学 1/2” gets 25 % of the attention." in tip
    assert "⟨" not in view.toPlainText()


def test_characters_without_a_shape_are_shown_by_their_numbers():
    assert [one.alone for one in spell(["\x0b", "a\u3000b", "␣the↵"])] == [
        "⟨0B⟩",
        "a⟨3000⟩b",
        "␣the↵",
    ]
