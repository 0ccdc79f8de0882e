"""An answer held to a text: word for word, line by line, the model choosing among them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from desktop import tutor
from desktop.llm import model_folder
from desktop.llm.quoting import Quoting

TOKENIZER = model_folder.load(tutor.model_folder()).tokenizer
END = TOKENIZER.end_of_text
LINES = ("A gradient points uphill. It is e.g. the slope.", "For example: 2w at w = 3 is 6.")


def quoting(lines: tuple[str, ...] = LINES) -> Quoting:
    found = Quoting.of(TOKENIZER, lines)
    assert found is not None
    return found


def accepts(text: str, lines: tuple[str, ...] = LINES) -> bool:
    """Whether every token of the text, and an end after it, is allowed."""
    ids = [*TOKENIZER.encode(text), END]
    automaton = quoting(lines)
    return all(token in automaton.allowed(ids[:place]) for place, token in enumerate(ids))


def test_one_line_several_or_all_can_be_said() -> None:
    assert accepts(f" {LINES[0]}\n{LINES[1]}")
    assert accepts(f" {LINES[0]}")
    assert accepts(f" {LINES[1]}")
    assert accepts(f" {LINES[0]}\nThird.", (*LINES, "Third."))


def test_nothing_else_can() -> None:
    assert not accepts(" A gradient points downhill.")
    assert not accepts(" A gradient points uphill.")
    assert not accepts(f" {LINES[0]}\n{LINES[0]}")
    assert not accepts(f" {LINES[1]}\n{LINES[0]}")
    assert not accepts(" It is e.g. the slope.")


def test_where_the_text_has_been_left_anything_goes() -> None:
    assert quoting().allowed(TOKENIZER.encode(" Bananas")) == frozenset()
    assert Quoting.of(TOKENIZER, ()) is None
    assert Quoting.of(TOKENIZER, ("  ",)) is None


@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=3), st.randoms())
@settings(max_examples=60)
def test_every_walk_ends_in_lines_of_the_text(lines: list[str], rng: object) -> None:
    automaton = Quoting.of(TOKENIZER, lines)
    if automaton is None:
        return
    written: list[int] = []
    while True:
        allowed = automaton.allowed(written)
        assert allowed
        token = rng.choice(sorted(allowed))  # type: ignore[attr-defined]
        if token == END:
            break
        written.append(token)
    said = TOKENIZER.decode(written)
    bare = "".join(said.split())
    whole = "".join("".join(line.split()) for line in lines)
    assert bare
    assert all(sign in whole for sign in bare)


def test_further_lines_follow_but_never_begin():
    found = Quoting.of(TOKENIZER, ("One.", "Two."), ("More.",))
    assert found is not None
    begin = found.allowed(())
    assert TOKENIZER.encode(" Two.")[0] in begin
    assert TOKENIZER.encode(" More.")[0] not in begin
    assert TOKENIZER.encode("\nMore.")[0] in found.allowed(TOKENIZER.encode(" Two."))
