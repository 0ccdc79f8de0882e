"""The glossary page: filter, choose, follow links, in both languages."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton

from desktop.ui.glossary_entry import title_of
from desktop.ui.glossary_page import ID_ROLE, GlossaryPage
from desktop.ui.strings import language


@pytest.fixture
def page(qtbot, course):
    made = GlossaryPage(course)
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show()
    qtbot.waitExposed(made)
    return made


def listed(page):
    model = page.list.model()
    return [model.index(row, 0).data(ID_ROLE) for row in range(model.rowCount())]


def shown_texts(page):
    return [label.text() for label in page.entry.findChildren(QLabel) if label.isVisible()]


def button(page, text):
    return next(
        one
        for one in page.entry.findChildren(QPushButton)
        if one.text() == text and one.isVisible()
    )


def test_lists_every_term(page, course):
    assert len(listed(page)) == len(course.glossary)
    assert listed(page) == [term.id for term in course.glossary.ordered("en")]


def test_filter_finds_by_either_language(qtbot, page):
    qtbot.keyClicks(page.filter, "learning rate")
    assert "learning-rate" in listed(page)
    page.filter.clear()
    page.filter.setText("学习率")
    assert "learning-rate" in listed(page)


def test_filter_says_when_nothing_is_left(qtbot, page):
    qtbot.keyClicks(page.filter, "zzqq")
    assert listed(page) == []
    assert any("zzqq" in label.text() for label in page.findChildren(QLabel) if label.isVisible())


def test_entry_shows_definition_and_the_other_language(page, course):
    page.show_term("learning-rate")
    term = course.glossary.get("learning-rate")
    texts = shown_texts(page)
    assert title_of(term) in texts
    assert term.definition.en in texts
    assert any(term.name.zh in text for text in texts)


def test_formula_is_set_not_spelled(page, course):
    term = next(term for term in course.glossary if term.formula)
    page.show_term(term.id)
    drawn = [label for label in page.entry.findChildren(QLabel) if label.isVisible()]
    picture = next(label for label in drawn if label.accessibleName() == term.formula)
    assert not picture.pixmap().isNull()


def test_every_formula_can_be_set(page, course):
    for term in course.glossary:
        if term.formula:
            page.show_term(term.id)
            shown = [one for one in page.entry.findChildren(QLabel) if one.isVisible()]
            assert not any(one.text() == term.formula for one in shown), term.id


def test_related_term_opens_even_behind_a_filter(qtbot, page, course):
    term = next(
        term for term in course.glossary if any(name in course.glossary for name in term.see)
    )
    related = next(course.glossary.get(name) for name in term.see if name in course.glossary)
    page.show_term(term.id)
    page.filter.setText(term.name.en)
    qtbot.mouseClick(button(page, title_of(related)), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.term == related.id)
    assert related.definition.en in shown_texts(page)


def test_lesson_link_asks_for_the_lesson(qtbot, page, course):
    term, lesson = next(
        (term, course.lesson(slug))
        for term in course.glossary
        for slug in term.lessons
        if slug in course
    )
    page.show_term(term.id)
    with qtbot.waitSignal(page.lesson_requested) as asked:
        qtbot.mouseClick(button(page, lesson.title.en), Qt.MouseButton.LeftButton)
    assert asked.args == [lesson.slug]


def test_keyboard_walks_the_list(qtbot, page):
    page.filter.setFocus()
    qtbot.keyClick(page.filter, Qt.Key.Key_Return)
    qtbot.keyClick(page.list, Qt.Key.Key_Down)
    assert page.term == listed(page)[page.list.currentIndex().row()]


def test_language_switch_keeps_the_term(page, course):
    page.show_term("learning-rate")
    language().set("zh")
    assert page.term == "learning-rate"
    assert course.glossary.get("learning-rate").definition.zh in shown_texts(page)


def test_unknown_term_changes_nothing(page):
    before = page.term
    assert not page.show_term("no-such-term")
    assert page.term == before
