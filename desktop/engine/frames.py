"""What an experiment can show: frozen snapshots that panels draw.

An experiment returns a mapping from item name to one of these at any moment; a panel in
``desktop/ui/panels`` knows how to draw one kind. Arrays are NumPy, owned by the item and never
written again, so a frame may cross threads without a lock. Nothing here computes; nothing here is
decoration: every array is a number the experiment really has. Imports numpy, no torch, no Qt.

Shapes: images and grids are ``(rows, columns)``, row 0 at the *bottom* for fields over (x, y) and at
the *top* for matrices, as each class says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from numpy.typing import NDArray

from desktop.bilingual import Bilingual

Array = NDArray[Any]
NOTHING = Bilingual("", "")


@dataclass(frozen=True)
class Axis:
    """A quantity with its name and unit; ``limits`` pins the range, otherwise it follows the data."""

    label: Bilingual
    unit: str = ""
    log: bool = False
    limits: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Item:
    """Base of everything a panel can draw. ``note`` is one line under the panel's title."""

    kind: ClassVar[str] = ""
    note: Bilingual = field(default=NOTHING, kw_only=True)

    def arrays(self) -> dict[str, Any]:
        """The numbers in this item by name, for ``glassbox run``, CSV export and tests."""
        raise TypeError(f"{type(self).__name__} does not list its arrays")


# ------------------------------------------------------------------------------------------------
# Lines and points in the plane


@dataclass(frozen=True, eq=False)
class Series:
    """One curve: ``x`` and ``y`` of shape (n,). ``color`` indexes the category palette.

    ``low`` and ``high`` (n,) draw a band around it, for instance over seeds.
    """

    name: str
    label: Bilingual
    x: Array
    y: Array
    color: int = 0
    style: Literal["line", "dashed", "dots", "steps"] = "line"
    low: Array | None = None
    high: Array | None = None


@dataclass(frozen=True, eq=False)
class Curves(Item):
    """Curves over a common axis; ``marks`` are labelled vertical lines at x positions."""

    kind: ClassVar[str] = "curves"
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    marks: tuple[tuple[float, Bilingual], ...] = ()

    def arrays(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for series in self.series:
            found[f"{series.name}.x"], found[f"{series.name}.y"] = series.x, series.y
            if series.low is not None:
                found[f"{series.name}.low"] = series.low
            if series.high is not None:
                found[f"{series.name}.high"] = series.high
        return found


@dataclass(frozen=True, eq=False)
class Field:
    """A value over the plane: ``values[j, i]`` belongs to ``(xs[i], ys[j])``, row 0 at the bottom."""

    xs: Array
    ys: Array
    values: Array
    label: Bilingual
    unit: str = ""
    diverging: bool = False
    limits: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Path:
    """Where something went: ``points`` (n, 2), and ``heights`` (n,) for the 3-D view."""

    name: str
    label: Bilingual
    points: Array
    heights: Array
    color: int = 0


@dataclass(frozen=True, eq=False)
class Arrow:
    """An arrow from ``start`` along ``vector``, both (x, y) in data units."""

    label: Bilingual
    start: tuple[float, float]
    vector: tuple[float, float]
    color: int = 0


@dataclass(frozen=True, eq=False)
class Mark:
    """A labelled place, such as a known minimum."""

    label: Bilingual
    at: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Surface(Item):
    """A surface over the plane with paths on it; drawn as contours or in 3-D.

    While the surface itself stays the same, pass the *same* ``Field`` object in each frame: panels
    compare by identity and draw contours again only when it is another one.
    """

    kind: ClassVar[str] = "surface"
    x: Axis
    y: Axis
    height: Field
    paths: tuple[Path, ...] = ()
    arrows: tuple[Arrow, ...] = ()
    marks: tuple[Mark, ...] = ()

    def arrays(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "xs": self.height.xs,
            "ys": self.height.ys,
            "values": self.height.values,
        }
        for path in self.paths:
            found[f"{path.name}.points"] = path.points
            found[f"{path.name}.heights"] = path.heights
        return found


@dataclass(frozen=True, eq=False)
class PointGroup:
    """Points ``xy`` (n, 2) drawn alike; ``values`` (n,) colour them on the scatter's scale."""

    name: str
    label: Bilingual
    xy: Array
    values: Array | None = None
    color: int = 0
    hollow: bool = False


@dataclass(frozen=True, eq=False)
class Scatter(Item):
    """Points, with an optional field behind them, curves through them and residual segments.

    ``segments`` is (n, 4): x0, y0, x1, y1.
    """

    kind: ClassVar[str] = "scatter"
    x: Axis
    y: Axis
    groups: tuple[PointGroup, ...]
    background: Field | None = None
    lines: tuple[Series, ...] = ()
    segments: Array | None = None
    value: Axis | None = None
    diverging: bool = True

    def arrays(self) -> dict[str, Any]:
        found: dict[str, Any] = {group.name: group.xy for group in self.groups}
        for group in self.groups:
            if group.values is not None:
                found[f"{group.name}.values"] = group.values
        for line in self.lines:
            found[f"{line.name}.x"], found[f"{line.name}.y"] = line.x, line.y
        if self.background is not None:
            found["background"] = self.background.values
        if self.segments is not None:
            found["segments"] = self.segments
        return found


@dataclass(frozen=True, eq=False)
class HeatMap(Item):
    """A field over the plane, or an image when the axes are plain indices."""

    kind: ClassVar[str] = "heatmap"
    x: Axis
    y: Axis
    field_: Field

    def arrays(self) -> dict[str, Any]:
        return {"values": self.field_.values}


# ------------------------------------------------------------------------------------------------
# Networks and matrices


@dataclass(frozen=True, eq=False)
class NetworkLayer:
    """One column of units. ``maps`` (units, rows, columns): each unit's output over the input
    plane, row 0 at the bottom, or ``None`` when there is no such picture. ``biases`` (units,) or
    ``None`` for the inputs. ``flags`` (units,) bool marks units the diagnosis speaks of.
    """

    name: str
    label: Bilingual
    units: tuple[str, ...]
    maps: Array | None
    biases: Array | None = None
    flags: Array | None = None


@dataclass(frozen=True, eq=False)
class Network(Item):
    """Layers left to right; ``weights[k]`` is (units of layer k+1, units of layer k)."""

    kind: ClassVar[str] = "network"
    layers: tuple[NetworkLayer, ...]
    weights: tuple[Array, ...]
    extent: tuple[float, float, float, float] = (-6.0, 6.0, -6.0, 6.0)
    limit: float = 1.0
    output: Scatter | None = None

    def arrays(self) -> dict[str, Any]:
        found: dict[str, Any] = {f"weights.{k}": w for k, w in enumerate(self.weights)}
        for k, layer in enumerate(self.layers):
            if layer.biases is not None:
                found[f"biases.{k}"] = layer.biases
            if layer.maps is not None:
                found[f"maps.{k}"] = layer.maps
        return found


@dataclass(frozen=True, eq=False)
class Matrix(Item):
    """A table of numbers with named rows and columns, row 0 at the top.

    ``mask`` (same shape, True = hidden) draws those cells as absent. A click asks the experiment to
    ``explain`` the cell.
    """

    kind: ClassVar[str] = "matrix"
    values: Array
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    value: Axis
    diverging: bool = True
    mask: Array | None = None
    row_axis: Bilingual = NOTHING
    column_axis: Bilingual = NOTHING
    title: Bilingual = NOTHING

    def arrays(self) -> dict[str, Any]:
        return {"values": self.values}


@dataclass(frozen=True, eq=False)
class Matrices(Item):
    """Several matrices side by side as small multiples, for instance all heads of all layers.

    ``columns_hint`` is how many to set in one row; ``selected`` is drawn emphasised.
    """

    kind: ClassVar[str] = "matrices"
    matrices: tuple[Matrix, ...]
    columns_hint: int = 4
    selected: int = -1

    def arrays(self) -> dict[str, Any]:
        return {f"matrix.{i}": matrix.values for i, matrix in enumerate(self.matrices)}


# ------------------------------------------------------------------------------------------------
# Text and numbers


@dataclass(frozen=True, eq=False)
class Tokens(Item):
    """A strip of tokens, each with its id and, if given, a value that colours it."""

    kind: ClassVar[str] = "tokens"
    tokens: tuple[str, ...]
    ids: tuple[int, ...] = ()
    values: Array | None = None
    value: Axis | None = None
    selected: int = -1

    def arrays(self) -> dict[str, Any]:
        found: dict[str, Any] = {"tokens": list(self.tokens), "ids": list(self.ids)}
        if self.values is not None:
            found["values"] = self.values
        return found


@dataclass(frozen=True, eq=False)
class Bars(Item):
    """Named values (n,) as horizontal bars, largest first unless ``keep_order``."""

    kind: ClassVar[str] = "bars"
    labels: tuple[str, ...]
    values: Array
    value: Axis
    highlight: int = -1
    keep_order: bool = False

    def arrays(self) -> dict[str, Any]:
        return {"labels": list(self.labels), "values": self.values}


@dataclass(frozen=True)
class Readout:
    """One number with its name; ``digits`` are significant digits, ``term`` a glossary entry."""

    name: str
    label: Bilingual
    value: float
    unit: str = ""
    digits: int = 4
    term: str = ""
    help: Bilingual = NOTHING


@dataclass(frozen=True, eq=False)
class Readouts(Item):
    """Numbers to read off."""

    kind: ClassVar[str] = "readouts"
    values: tuple[Readout, ...]

    def arrays(self) -> dict[str, Any]:
        return {readout.name: readout.value for readout in self.values}


@dataclass(frozen=True)
class TextEntry:
    """A text the experiment produced, with a heading such as “step 300”."""

    heading: Bilingual
    text: str


@dataclass(frozen=True, eq=False)
class TextBlocks(Item):
    """Texts the experiment produced, newest first: samples, a worked update, a confusion."""

    kind: ClassVar[str] = "texts"
    entries: tuple[TextEntry, ...]

    def arrays(self) -> dict[str, Any]:
        return {"texts": [entry.text for entry in self.entries]}


@dataclass(frozen=True, eq=False)
class Worked(Item):
    """An arithmetic spelled out with the actual numbers: LaTeX lines, each with a remark."""

    kind: ClassVar[str] = "worked"
    lines: tuple[tuple[str, Bilingual], ...]

    def arrays(self) -> dict[str, Any]:
        return {"formulas": [latex for latex, _ in self.lines]}


@dataclass(frozen=True, eq=False)
class Frame:
    """Everything to show at one step of one run."""

    run: int
    step: int
    items: Mapping[str, Item]
    scalars: Mapping[str, float]


# ------------------------------------------------------------------------------------------------
# Answers to a learner who points at something


@dataclass(frozen=True)
class Explanation:
    """What one cell, neuron or weight is: a heading, arithmetic in LaTeX with the actual numbers,
    and a plain sentence. ``term`` is a glossary entry."""

    title: Bilingual
    lines: tuple[tuple[str, Bilingual], ...]
    text: Bilingual = NOTHING
    term: str = ""


@dataclass(frozen=True)
class Finding:
    """One sentence of diagnosis: what happened, the evidence in numbers, something to try.

    ``fix`` are parameter changes that the learner can apply with one click.
    """

    code: str
    severity: Literal["info", "warning", "bad"]
    message: Bilingual
    evidence: Bilingual
    advice: Bilingual
    fix: Mapping[str, Any] = field(default_factory=dict)
    term: str = ""
