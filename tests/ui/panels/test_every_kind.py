"""What holds for every kind of panel: draws, follows theme and language, saves, stays small."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PySide6.QtCore import QObject, QRectF
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.bilingual import Bilingual, GlassboxError
from desktop.engine import frames as f
from desktop.ui.panels import KINDS, make_panel
from desktop.ui.panels.look import look
from desktop.ui.strings import language
from desktop.ui.theme import theme

from .conftest import FIELD


def colors(image: QImage) -> int:
    """How many different colours a picture has, on a coarse grid."""
    return len(
        {image.pixel(x, y) for x in range(0, image.width(), 3) for y in range(0, image.height(), 3)}
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_draws_in_both_themes_and_languages(
    shown: Any, qtbot: QtBot, kind: str, name: Any, lang: Any
) -> None:
    panel = shown(kind)
    theme().set(name=name)
    language().set(lang)
    if kind == "worked":
        qtbot.waitUntil(lambda: panel.lines.complete)
    picture = panel.grab().toImage()
    assert colors(picture) > 8
    assert panel.title_label.text() == ("一张图" if lang == "zh" else "A figure")
    assert panel.canvas.accessibleName() == panel.title_label.text()
    ground = picture.pixelColor(picture.width() // 2, 5).lightness()
    assert ground > 200 if name == "light" else ground < 80


@pytest.mark.parametrize("kind", KINDS)
def test_empty_panel_says_what_will_be_here(shown: Any, samples: Any, kind: str) -> None:
    panel = shown(kind)
    panel.clear()
    assert not panel.has_content()
    panel.grab()
    samples.fill(panel, 1)
    assert panel.has_content()


@pytest.mark.parametrize("kind", KINDS)
def test_hundreds_of_updates_make_nothing_new(
    shown: Any, samples: Any, qtbot: QtBot, kind: str
) -> None:
    panel = shown(kind)
    panel.canvas.repaint()
    before = len(panel.findChildren(QObject))
    for k in range(300):
        samples.fill(panel, k)
        if k % 10 == 0:
            panel.canvas.repaint()
    assert len(panel.findChildren(QObject)) == before
    if kind == "worked":  # let the typesetting timer finish
        qtbot.waitUntil(lambda: not panel._timer.isActive())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(190, 120), (300, 200), (1200, 700)])
def test_any_size_paints(shown: Any, kind: str, size: tuple[int, int]) -> None:
    panel = shown(kind)
    panel.resize(*size)
    panel.grab()


@pytest.mark.parametrize("kind", KINDS)
def test_saves_png_and_svg_with_title(shown: Any, tmp_path: Path, kind: str) -> None:
    theme().set(name="dark")
    panel = shown(kind)
    panel.save(tmp_path / "figure.png", light=True)
    image = QImage(str(tmp_path / "figure.png"))
    assert image.width() >= 2 * 360
    assert image.pixelColor(3, 3).lightness() > 240
    assert colors(image) > 8
    panel.save(tmp_path / "figure.svg", light=True)
    root = ElementTree.fromstring((tmp_path / "figure.svg").read_text(encoding="utf-8"))
    assert root.tag.endswith("svg")
    texts = "".join(root.itertext())
    assert "A figure" in texts
    assert not list(tmp_path.glob("*.part"))


def read_csv(panel: Any, folder: Path) -> list[list[str]]:
    panel.save(folder / "numbers.csv")
    text = (folder / "numbers.csv").read_text(encoding="utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("kind", KINDS)
def test_csv_has_header_and_numbers(shown: Any, tmp_path: Path, kind: str) -> None:
    rows = read_csv(shown(kind), tmp_path)
    assert len(rows) > 1
    assert all(len(row) == len(rows[0]) for row in rows)


def test_csv_numbers_are_exact(shown: Any, tmp_path: Path) -> None:
    rows = read_csv(shown("curves"), tmp_path)
    assert rows[0] == ["line.x", "line.y", "dots.x", "dots.y"]
    assert [float(v) for v in rows[11][:2]] == [1.0, 2.0]
    rows = read_csv(shown("matrix"), tmp_path)
    assert rows[0] == ["", "the", "cat", "sat"]
    assert rows[2] == ["cat", "0.25", "0.75", ""]
    rows = read_csv(shown("history"), tmp_path)
    assert rows[0] == ["step", "one.loss", "one.test_loss", "two.loss", "two.test_loss"]
    assert [float(v) for v in rows[41]] == [40.0, 60.0, 160.0, 2.0, 2.25]
    rows = read_csv(shown("network"), tmp_path)
    assert ["bias", "l1", "u1.2", "", "0.25"] in rows
    assert ["weight", "l2", "u2.0", "u1.1", "0.5"] in rows


def test_csv_of_a_surface_is_a_table_of_places(shown: Any, tmp_path: Path) -> None:
    panel = shown("surface3d")
    header, *rows = read_csv(panel, tmp_path)
    assert header == ["path", "step", "x", "y", "loss"]
    assert len(rows) == 41 * 21 + len(panel.item.paths[0].points)
    assert rows[42] == ["", "", "-1.9", "-0.9", repr(float(FIELD.values[1, 1]))]
    assert rows[-1][:2] == ["path", "11"]


def test_failed_save_speaks_and_keeps_the_old_file(shown: Any, tmp_path: Path) -> None:
    panel = shown("bars")
    with pytest.raises(GlassboxError) as caught:
        panel.save(tmp_path / "no" / "folder.png")
    assert caught.value.hint.zh
    with pytest.raises(GlassboxError):
        panel.save(tmp_path / "figure.docx")


def test_copy_puts_a_picture_on_the_clipboard(shown: Any) -> None:
    shown("heatmap").copy_image(light=True)
    assert not QGuiApplication.clipboard().image().isNull()


def test_menu_names_and_unknown_kind(shown: Any, samples: Any) -> None:
    panel = shown("curves")
    language().set("zh")
    assert "复制图片" in [action.text() for action in panel.menu().actions()]
    language().set("en")
    assert "Copy image" in [action.text() for action in panel.menu().actions()]
    with pytest.raises(GlassboxError):
        make_panel(samples.spec("hologram"))


@pytest.mark.parametrize("kind", KINDS)
def test_bad_numbers_do_not_break_painting(shown: Any, samples: Any, kind: str) -> None:
    """NaN and infinity are what a diverging run shows; panels must draw on."""
    import dataclasses

    import numpy as np

    def spoil(value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > 2:
            spoiled = value.copy()
            spoiled.flat[0], spoiled.flat[1] = np.nan, np.inf
            return spoiled
        if isinstance(value, tuple):
            return tuple(spoil(part) for part in value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {
                field.name: spoil(getattr(value, field.name))
                for field in dataclasses.fields(value)
                if field.name not in ("xs", "ys")
            }
            return dataclasses.replace(value, **fields)
        return value

    panel = shown(kind)
    if kind == "history":
        history = samples.runs()[0].history
        history.append(50, {"loss": float("nan"), "test_loss": float("inf")})
        run = samples.runs()[0]
        run.history = history
        panel.show_histories((run,), samples.SCALARS, 50)
    else:
        panel.show_item(spoil(samples.ITEMS[kind](0)))
    panel.grab()


def test_a_note_without_a_figure_stands_in_its_place(shown: Any, samples: Any) -> None:
    note = Bilingual("这里没有数据。", "There are no data here.")
    item = f.Scatter(f.Axis(Bilingual.same("x")), f.Axis(Bilingual.same("y")), (), note=note)
    panel = shown("scatter", item)
    assert not panel.has_content()
    assert panel.note_label.isHidden()
    assert colors(panel.grab().toImage()) > 4
    samples.fill(panel)
    assert panel.has_content()


def test_the_output_is_not_drawn_twice_where_it_has_a_panel(shown: Any) -> None:
    assert shown("network").item.output is not None
    beside = shown("network", options={"output": False})
    assert beside.item.output is None
    assert beside.item.layers


def test_single_signs_are_never_turned(qapp: QApplication) -> None:
    from desktop.ui.panels.grid import lay_out

    signs, words = tuple("王后笑着说她"), ("the", "queen", "smiled", "and", "said", "she")
    for names, upright in ((signs, False), (words, True)):
        item = f.Matrix(np.eye(6), names, names, f.Axis(Bilingual.same("weight")))
        assert lay_out(item, QRectF(0, 0, 90, 90), look()).upright == upright
