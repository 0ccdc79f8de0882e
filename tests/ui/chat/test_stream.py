"""Cutting Markdown into blocks gives the same blocks, however the letters arrive."""

import random

import pytest

from desktop.ui.chat.stream import Append, Close, MarkdownStream, Open

TEXT = """Here is a list:

- one
- two

  still two

- three

And code:
```python
def f():

    return "```"
```
The end, with `code`.


``` is not a fence when `it` goes on
"""


def blocks(text, sizes):
    stream, found, opened, shown = MarkdownStream(), [], None, ""
    deeds = []
    at = 0
    while at < len(text):
        size = next(sizes)
        deeds += stream.feed(text[at : at + size])
        at += size
    deeds += stream.finish()
    for deed in deeds:
        match deed:
            case Open():
                assert opened is None
                opened, shown = deed, ""
            case Append(piece):
                assert opened is not None
                shown += piece
            case Close(whole):
                assert shown == whole or shown.rstrip("\n") == whole.rstrip("\n")
                found.append((opened.code, opened.language, whole))
                opened = None
    assert opened is None
    return found


def of_size(size):
    while True:
        yield size


def test_blocks_end_at_blank_lines_and_fences():
    found = blocks(TEXT, of_size(10_000))
    assert [(code, name) for code, name, _ in found] == [
        (False, ""),
        (False, ""),
        (False, ""),
        (True, "python"),
        (False, ""),
        (False, ""),
    ]
    assert found[1][2].count("\n- ") == 2
    assert found[3][2] == 'def f():\n\n    return "```"\n'


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pieces_do_not_matter(size):
    assert blocks(TEXT, of_size(size)) == blocks(TEXT, of_size(10_000))


def test_random_pieces_do_not_matter():
    rng = random.Random(0)
    for _ in range(50):
        sizes = iter(lambda: rng.randint(1, 9), 0)
        assert blocks(TEXT, sizes) == blocks(TEXT, of_size(10_000))


def test_an_unfinished_fence_is_code_up_to_the_end():
    assert blocks("```\nx = 1", of_size(1)) == [(True, "", "x = 1\n")]


def test_a_line_is_shown_before_it_ends():
    stream = MarkdownStream()
    assert list(stream.feed("Hel")) == [Open(code=False), Append("Hel")]
    assert list(stream.feed("lo")) == [Append("lo")]


def test_a_writer_of_paragraphs_is_taken_at_its_word():
    stream = MarkdownStream(lines_are_paragraphs=True)
    text = "A rate.\nFor example: 0.1.\n\n- one\n- two\n"
    deeds = [deed for letter in text for deed in stream.feed(letter)] + list(stream.finish())
    closed = [deed.text for deed in deeds if isinstance(deed, Close)]
    assert closed == ["A rate.\n", "For example: 0.1.\n", "- one\n- two\n"]
