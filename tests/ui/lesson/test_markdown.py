"""Markdown for Qt: nothing in a text becomes markup, formulas sit on the line, Chinese is spaced."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop.ui.lesson.prose_text import ProseText
from desktop.ui.markdown import TextStyle, spaced, to_html
from desktop.ui.rich_text import PictureObjects, fill, formula

STYLE = TextStyle("zh", 15.0, {"try": "动手试试", "mistake": "常见误区", "sources": "出处"})
TAGS = re.compile(r"<(/?[a-z]+[0-9]?)")
KNOWN = {
    *("p", "a", "span", "img", "pre", "strong", "em", "br", "hr", "ul", "ol", "li", "blockquote"),
    *("table", "thead", "tbody", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6"),
}


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=1> b",
        "[x](javascript:alert(1))",
        "[x](file:///etc/passwd)",
        "![alt](http://example.org/x.png)",
        '`<b>` and $<i>"$',
        "```html\n<b>\n```",
        '[x](do:"><b>)',
    ],
)
def test_nothing_in_the_text_becomes_markup(qapp: QApplication, text: str) -> None:
    html = to_html(text, STYLE)
    assert {tag.strip("/") for tag in TAGS.findall(html)} <= KNOWN
    for source in re.findall(r'src="([^"]*)"', html):
        assert source.startswith("math:")
    for target in re.findall(r'href="([^"]*)"', html):
        assert target.startswith(("do:", "glossary:", "lesson:", "http:", "https:"))


@given(st.text(alphabet="<>&\"'`$*_[]()!:#|\\\n -ab是x1", max_size=80))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_gives_known_tags_only(qapp: QApplication, text: str) -> None:
    html = to_html(text, STYLE)
    assert {tag.strip("/") for tag in TAGS.findall(html)} <= KNOWN
    assert "file:" not in re.findall(r'href="([^"]*)"', html)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("用SGD训练3步", "用\u2009SGD\u2009训练\u20093\u2009步"),
        ("用 SGD 训练", "用 SGD 训练"),
        ("learning rate", "learning rate"),
        ("“说”(said)", "“说”(said)"),
    ],
)
def test_thin_spaces(text: str, result: str) -> None:
    assert spaced(text) == result


def test_thin_spaces_around_formulas_and_code(qapp: QApplication) -> None:
    html = to_html("把$w$和`lr`改掉", STYLE)
    assert "把\u2009<img" in html
    assert ">\u2009和\u2009<span" in html
    assert "</span>\u2009改掉" in html


def test_thin_spaces_stay_thin_and_marks_stay_with_their_words(qapp: QApplication) -> None:
    document = QTextDocument()
    fill(document, "用SGD训练，[再走一步](do:step=1)", STYLE)
    assert document.toRawText().strip() == "用\u2009SGD\u2009训练，►\u00a0再走一步"


def test_boxes_carry_their_titles(qapp: QApplication) -> None:
    html = to_html("::: try\n试一下\n:::\n\n::: mistake\n错了\n:::", STYLE)
    assert "动手试试" in html
    assert "常见误区" in html
    assert html.count("</table>") == 2


def test_an_inline_formula_hangs_on_the_baseline(qtbot: QtBot) -> None:
    owner = QWidget()
    qtbot.addWidget(owner)
    document = QTextDocument(owner)
    pictures = PictureObjects(owner, 15.0)
    pictures.attach(document)
    fill(document, "$y_i$", STYLE)
    picture = formula("math:inline:y_i", 15.0)
    assert picture is not None
    assert picture.depth > 1
    block = document.begin()
    form = block.begin().fragment().charFormat().toImageFormat()
    size = pictures.intrinsicSize(document, 0, form)
    assert size.height() == pytest.approx(picture.height - picture.depth)
    assert size.width() == pytest.approx(picture.width)


def test_lines_keep_one_rhythm_with_formulas_and_links(qtbot: QtBot) -> None:
    owner = QWidget()
    qtbot.addWidget(owner)
    document = QTextDocument(owner)
    PictureObjects(owner, 15.0).attach(document)
    fill(
        document,
        "参数$w$和 [学习率](glossary:learning-rate) 决定 SGD 的一步,`lr` 也是。" * 4,
        STYLE,
    )
    document.setTextWidth(360)
    layout = document.begin().layout()
    tops = [layout.lineAt(i).y() for i in range(layout.lineCount())]
    gaps = {round(b - a) for a, b in itertools.pairwise(tops)}
    assert gaps == {25}


def test_broken_latex_is_shown_as_source(qtbot: QtBot) -> None:
    text = ProseText(lambda _term: None)
    qtbot.addWidget(text)
    text.resize(380, 100)
    text.show_markdown(r"ok $\frac{1}{$ end")
    text.show()
    qtbot.waitExposed(text)
    assert not text.grab().isNull()


def test_prose_is_as_high_as_its_text_and_never_scrolls_sideways(qtbot: QtBot) -> None:
    text = ProseText(lambda _term: None)
    qtbot.addWidget(text)
    text.resize(380, 100)
    text.show_markdown(
        "a long paragraph of words " * 20 + "\n\n$$ a = " + "+".join("bcd" * 30) + "$$"
    )
    text.show()
    qtbot.waitExposed(text)
    tall = text.height()
    assert text.horizontalScrollBar().maximum() == 0
    assert tall > 150
    text.resize(760, text.height())
    qtbot.waitUntil(lambda: text.height() < tall)
