"""What a learner does on a panel, turned into what the session is asked.

``PanelSpec.gestures`` maps a gesture to an effect::

    click  = "set:start"            a point parameter becomes the place clicked
    select = "set:head"             an integer or choice parameter becomes the index selected
    draw   = "append:points"        rows are added to the learner's own data
    erase  = "erase:points"         the row nearest to the place clicked is taken out
    edit_weight = "act:edit_weight" the experiment's ``act`` is called with the payload

The network panel's ``add_layer``, ``remove_layer``, ``add_unit`` and ``remove_unit`` need no entry:
they change the lesson's one ``integers`` parameter, the widths of its hidden layers. Imports the
parameter specs; no Qt, no torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from desktop.engine.parameters import ParameterSet, ParameterSpec

LAYER_GESTURES = ("add_layer", "remove_layer", "add_unit", "remove_unit")


@dataclass(frozen=True)
class Changes:
    """Parameters to set."""

    values: Mapping[str, Any]


@dataclass(frozen=True)
class Deed:
    """An action of the experiment to call."""

    name: str
    arguments: Mapping[str, Any]


def effect_of(
    gestures: Mapping[str, str], name: str, payload: Any, parameters: ParameterSet
) -> Changes | Deed | None:
    """What the gesture asks for; ``None`` when it means nothing here. Raises ``GlassboxError`` when
    the parameter cannot take it (data full, out of range)."""
    specs = type(parameters).specs()
    target = gestures.get(name) or _implied(gestures, name, specs)
    verb, _, about = target.partition(":")
    if verb == "act":
        arguments = payload if isinstance(payload, Mapping) else {"value": payload}
        return Deed(about, arguments)
    if verb not in _EFFECTS or about not in specs:
        return None
    value = _EFFECTS[verb](specs[about], getattr(parameters, about), payload, name)
    return None if value is None else Changes({about: specs[about].check(value)})


def _implied(gestures: Mapping[str, str], name: str, specs: Mapping[str, ParameterSpec]) -> str:
    if name == "erase" and gestures.get("draw", "").startswith("append:"):
        return "erase:" + gestures["draw"].removeprefix("append:")
    lists = [spec.name for spec in specs.values() if spec.kind == "integers"]
    if name in LAYER_GESTURES and len(lists) == 1:
        return "layers:" + lists[0]
    return ""


def _set(spec: ParameterSpec, _current: Any, payload: Any, _name: str) -> Any:
    if spec.kind == "point":
        return tuple(_clipped(spec, number) for number in payload[:2])
    if spec.kind == "choice":
        index = int(payload)
        return spec.choices[index].value if 0 <= index < len(spec.choices) else None
    if spec.kind == "integer":
        return round(_clipped(spec, payload))
    if spec.kind == "number":
        return _clipped(spec, payload[0] if isinstance(payload, (tuple, list)) else payload)
    return payload


def _append(spec: ParameterSpec, current: Any, payload: Any, _name: str) -> Any:
    added = tuple(tuple(_clipped(spec, number) for number in row) for row in payload)
    return (*current, *added)


def _erase(_spec: ParameterSpec, current: Any, payload: Any, _name: str) -> Any:
    if not current:
        return None
    x, y = float(payload[0]), float(payload[1])
    nearest = min(range(len(current)), key=lambda i: math.dist(current[i][:2], (x, y)))
    return (*current[:nearest], *current[nearest + 1 :])


def _layers(spec: ParameterSpec, current: Any, payload: Any, name: str) -> Any:
    """Layer 0 of the picture holds the inputs, so hidden layer ``k`` is picture layer ``k + 1``."""
    widths = list(current)
    layer = int(payload.get("layer", len(widths))) if isinstance(payload, Mapping) else len(widths)
    at = layer - 1
    if name == "add_layer":
        at = min(max(at + 1, 0), len(widths))
        widths.insert(at, widths[at - 1] if widths else max(int(spec.low or 1), 4))
    elif not 0 <= at < len(widths):
        return None
    elif name == "remove_layer":
        widths.pop(at)
    else:
        widths[at] += 1 if name == "add_unit" else -1
        if widths[at] < (spec.low or 1):
            widths.pop(at)
    return tuple(widths)


_EFFECTS: dict[str, Any] = {"set": _set, "append": _append, "erase": _erase, "layers": _layers}


def _clipped(spec: ParameterSpec, value: Any) -> float:
    low = -math.inf if spec.low is None else spec.low
    high = math.inf if spec.high is None else spec.high
    number = float(value)
    if not math.isfinite(number):
        raise spec.error(f"{value!r} 不是有限的数", f"{value!r} is not a finite number")
    return min(high, max(low, round(number, 6)))
