"""Steps, links and boxes are found in the prose, and mistakes are named with their line."""

from __future__ import annotations

import contextlib
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.course import CourseError
from desktop.course.prose import (
    Action,
    ActionSyntaxError,
    boxes,
    links,
    parse_action,
    plain_text,
    read_sections,
)

FILE = Path("zh.md")


def test_a_file_is_cut_at_its_headings() -> None:
    first, second = read_sections(FILE, "## 一 {#one}\n\nA\n\n## Two  {#two-2}\nB\nC\n")
    assert (first.id, first.title, first.markdown, first.line) == ("one", "一", "A", 1)
    assert (second.id, second.title, second.markdown, second.line) == ("two-2", "Two", "B\nC", 5)


def test_a_heading_inside_code_is_code() -> None:
    text = "## One {#one}\n\n```python\n## not a step\n::: no box\n[x](do:fly)\n```\n"
    (section,) = read_sections(FILE, text)
    assert "## not a step" in section.markdown
    assert links(section.markdown) == ()
    assert boxes(section.markdown) == ()


@pytest.mark.parametrize(
    ("target", "action"),
    [
        ("play", Action(play=True)),
        ("reset&play", Action(reset=True, play=True)),
        ("step", Action(step=1)),
        ("step=5&pause", Action(step=5, pause=True)),
        ("seek=120&fork", Action(seek=120, fork=True)),
        ("set?learning_rate=1.1&play", Action(set={"learning_rate": "1.1"}, play=True)),
        (
            "set?layers=4,2&text=%E4%BD%A0%20a&seed=3",
            Action({"layers": "4,2", "text": "你 a"}, seed=3),
        ),
        ("set?rate=1e+3", Action(set={"rate": "1e+3"})),
    ],
)
def test_an_action_is_read(target: str, action: Action) -> None:
    assert parse_action(target) == action


@pytest.mark.parametrize(
    "target", ["", "fly", "play=1", "step=-1", "seek", "seek=a", "learning_rate=1", "set?", "set?a",
               "set?a=1&a=2", "set?1a=2", "seed=٣"],
)  # fmt: skip
def test_a_bad_action_is_refused(target: str) -> None:
    with pytest.raises(ActionSyntaxError):
        parse_action(target)


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}x", fullmatch=True), st.text(), min_size=1))
def test_any_values_survive_an_action_link(values: dict[str, str]) -> None:
    query = "&".join(f"{name}={quote(value)}" for name, value in values.items())
    assert parse_action(f"set?{query}&play") == Action(set=values, play=True)


def test_links_are_found_where_a_reader_sees_them() -> None:
    text = (
        "See [rate](glossary:learning-rate), `[no](do:fly)`, $[a](b)$ and\n"
        "[draw](lesson:playground#draw), [**go**](do:play), ![image](x.png), [W](https://a.b/c)."
    )
    found = links(text)
    assert [(link.kind, link.target, link.step) for link in found] == [
        ("term", "learning-rate", ""),
        ("lesson", "playground", "draw"),
        ("action", "play", ""),
        ("web", "https://a.b/c", ""),
    ]
    assert found[2].action == Action(play=True)


def test_boxes_are_listed_in_order() -> None:
    assert boxes("::: try\na\n:::\n\n:::note\nb\n:::\n") == ("try", "note")


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("hello\n## One {#one}\nA", "line 1", "before the first heading"),
        ("## One\nA", "line 1", "{#id}"),
        ("## One {#One}\nA", "line 1", "lower case"),
        ("## One {#one}\nA\n### Part\nB", "line 3", "{#id}"),
        ("## One {#one}\n\n## Two {#two}\nB", "line 1", "no text"),
        ("## One {#one}\n\n::: warning\nB\n:::", "line 3", "try, mistake, sources, note"),
        ("## One {#one}\nA\n::: try\nB", "line 3", "never closed"),
        ("## One {#one}\nA\n:::\nB", "line 3", "close with"),
        ("## One {#one}\nA\n::: try\n::: note\n:::", "line 4", "do not nest"),
        ("## One {#one}\n[x](do:fly)", "step one", "fly"),
        ("## One {#one}\n[x](playground)", "step one", "lesson:"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, where: str, says: str) -> None:
    with pytest.raises(CourseError) as caught:
        read_sections(FILE, text)
    assert caught.value.where == where
    assert says in caught.value.message.en


def test_plain_text_is_what_a_reader_sees() -> None:
    text = (
        "Set the **rate** to `0.1` ([more](glossary:rate)), $\\eta$.\n\n::: try\n- one\n- two\n:::\n\n"
        "| a | b |\n|---|---|\n| 1 | x_y |\n\n```python\ncode\n```\n$$x = 1$$"
    )
    assert plain_text(text) == "Set the rate to 0.1 (more), η. one two a b 1 x_y"


def test_short_formulas_are_written_in_ordinary_letters() -> None:
    assert plain_text(r"$1 - \eta\lambda$, $W_Q$, $\nabla L \le 2$") == "1 - ηλ, W_Q, ∇L ≤2"
    assert plain_text(r"$\frac{a}{b}$") == "…"


@given(st.text())
def test_any_text_is_cut_or_refused_in_words(text: str) -> None:
    source = "## One {#one}\n\nA\n" + text
    with contextlib.suppress(CourseError):
        plain_text(read_sections(FILE, source)[0].markdown)
