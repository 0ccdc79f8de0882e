"""Other ways to set out a step's panels, for windows in which the lesson's own leaves much blank.

A lesson places its panels for a window that is wider than high. In a high one a square map, a small
table or a few numbers cannot use what they are given; the same panels in another order can. Where
the lesson's own way is nearly as good it stays. Imports the course's data types; no Qt, no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from desktop.course.lesson import PanelSpec

Place = tuple[int, int, int, int]
"""Row, rows, column, columns."""
Filled = Callable[[str, float, float], tuple[float, float]]
"""What a panel's figure can use of a width and a height."""

UPPER, LOWER = 3, 2
"""Rows of the two halves where a panel has moved below the others."""
GAIN = 0.08
"""Of the whole room: so much less must stay blank before panels move."""
MOST_HIGH = 2
"""Rows of figures above each other; three would be three slits."""
KEPT = 0.75
"""Of the room it fills as the lesson has it, what a figure must keep."""
SLIT = 0.3
"""Of its width, the height below which a figure is a slit."""
SLACK = 0.9
"""These limits for the arrangement in force, so that a window being resized does not flicker."""


def bands(specs: Sequence[PanelSpec], along: str) -> list[list[int]]:
    """Rows (or columns) of a lesson's grid that hold the same panels, taken together; empty ones
    are left out."""
    held: dict[int, set[str]] = {}
    for spec in specs:
        first, span = getattr(spec, along), getattr(spec, f"{along}_span")
        for at in range(first, first + span):
            held.setdefault(at, set()).add(spec.id)
    found: list[list[int]] = []
    for at in sorted(held):
        if found and held[found[-1][-1]] == held[at]:
            found[-1].append(at)
        else:
            found.append([at])
    return found


def places(specs: Sequence[PanelSpec]) -> dict[str, Place]:
    """Every panel's place among the bands. A panel left alone in its row takes the whole row, so that
    no corner stays empty."""
    rows, columns = bands(specs, "row"), bands(specs, "column")
    found = {
        spec.id: (
            *_span(rows, spec.row, spec.row_span),
            *_span(columns, spec.column, spec.column_span),
        )
        for spec in specs
    }
    for row in range(len(rows)):
        here = [id_ for id_, place in found.items() if place[0] <= row < place[0] + place[1]]
        if len(here) == 1 and found[here[0]][1] == 1:
            found[here[0]] = (row, 1, 0, len(columns))
    return found


def _span(found: list[list[int]], first: int, span: int) -> tuple[int, int]:
    """(index of the first band, how many) that a panel reaches over."""
    inside = [k for k, band in enumerate(found) if first <= band[0] < first + span]
    return inside[0], len(inside)


def best(
    own: list[PanelSpec],
    now: list[PanelSpec],
    size: tuple[float, float],
    filled: Filled,
    low: Callable[[str, float], float | None],
) -> list[PanelSpec]:
    """The arrangement to take: the one in force (``now``), unless another leaves much less blank.

    ``low`` is the natural height of a panel as high as what it says, ``None`` for all others.
    """
    before = _used(own, size, filled, low)
    others = ((way, _used(way, size, filled, low)) for way in _others(own))
    figures = {spec.id for spec in own if low(spec.id, size[0]) is None}
    ways = [own]
    for way, after in others:
        slack = SLACK if way == now else 1.0
        if _fair(way, figures, before, after, slack):
            ways.append(way)
    blanks = [blank(way, size, filled, low) for way in ways]
    least = min(blanks)
    if now in ways and blanks[ways.index(now)] <= least + GAIN / 2:
        return now
    return own if blanks[0] <= least + GAIN else ways[blanks.index(least)]


def blank(
    specs: list[PanelSpec],
    size: tuple[float, float],
    filled: Filled,
    low: Callable[[str, float], float | None],
) -> float:
    """The share of the room that stays blank in this arrangement."""
    used = _used(specs, size, filled, low).values()
    return 1 - sum(across * down for across, down in used) / max(1.0, size[0] * size[1])


def _used(
    specs: list[PanelSpec],
    size: tuple[float, float],
    filled: Filled,
    low: Callable[[str, float], float | None],
) -> dict[str, tuple[float, float]]:
    """Of its place in this arrangement, what each panel uses."""
    placed, columns = places(specs), len(bands(specs, "column"))
    heights = _heights(specs, placed, size, low)
    found = {}
    for id_, (row, rows, _column, wide) in placed.items():
        room = size[0] * wide / columns, sum(heights[row : row + rows])
        across, down = filled(id_, *room)
        found[id_] = min(across, room[0]), min(down, room[1])
    return found


def _fair(
    way: list[PanelSpec],
    figures: set[str],
    before: dict[str, tuple[float, float]],
    after: dict[str, tuple[float, float]],
    slack: float,
) -> bool:
    """Whether no figure pays for it: with much of its size, or by becoming a slit."""
    placed = places(way)
    if len({placed[id_][0] for id_ in figures}) > MOST_HIGH:
        return False
    for id_ in figures:
        (wide, high), (across, down) = before[id_], after[id_]
        kept = across * down >= slack * KEPT * wide * high
        if not kept or down < slack * min(high, SLIT * across):
            return False
    return True


def _heights(
    specs: list[PanelSpec],
    placed: dict[str, Place],
    size: tuple[float, float],
    low: Callable[[str, float], float | None],
) -> list[float]:
    """Heights of the rows: natural ones for rows that hold low panels only, shares of the rest."""
    rows, columns = bands(specs, "row"), len(bands(specs, "column"))
    natural: list[float | None] = []
    for row in range(len(rows)):
        inside = [(id_, place) for id_, place in placed.items() if place[:2] == (row, 1)]
        wanted = [low(id_, size[0] * place[3] / columns) for id_, place in inside]
        known = [high for high in wanted if high is not None]
        natural.append(max(known) if known and len(known) == len(wanted) else None)
    if all(high is not None for high in natural):
        natural = [None] * len(rows)
    rest = size[1] - sum(high or 0.0 for high in natural)
    shares = sum(len(band) for band, high in zip(rows, natural, strict=True) if high is None)
    return [
        rest * len(band) / max(1, shares) if high is None else min(high, size[1] / len(rows))
        for band, high in zip(rows, natural, strict=True)
    ]


def _others(own: list[PanelSpec]) -> list[list[PanelSpec]]:
    """The same panels set out otherwise, in the order in which they are read."""
    if len(own) == 3 and (tall := _tall(own)) is not None:
        upper, lower = sorted((spec for spec in own if spec is not tall), key=lambda spec: spec.row)
        return [
            [
                *(replace(spec, row=0, row_span=UPPER) for spec in (tall, upper)),
                _whole(lower, UPPER, LOWER),
            ],
            [
                replace(upper, row=0, row_span=LOWER, column=0, column_span=1),
                replace(lower, row=0, row_span=LOWER, column=1, column_span=1),
                _whole(tall, LOWER, UPPER),
            ],
        ]
    if len(own) > 3 or any(count > 1 for _, count, _, _ in places(own).values()):
        return []
    in_order = sorted(own, key=lambda spec: (spec.row, spec.column))
    return [[_whole(spec, row, 1) for row, spec in enumerate(in_order)]]


def _tall(own: list[PanelSpec]) -> PanelSpec | None:
    """The panel as high as the two others, which stand beside it one above the other."""
    placed = places(own)
    tall = [spec for spec in own if placed[spec.id][1] == 2]
    return tall[0] if len(tall) == 1 else None


def _whole(spec: PanelSpec, row: int, rows: int) -> PanelSpec:
    return replace(spec, row=row, row_span=rows, column=0, column_span=2)
