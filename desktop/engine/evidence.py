"""What every detector of ``desktop.engine.diagnosis`` needs: numbers as evidence shows them, fixes
that stay within a parameter's range, and the order in which findings are told.

Imports no torch, no Qt.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from desktop.engine.frames import Finding
from desktop.engine.parameters import ParameterSet

Severity = Literal["info", "warning", "bad"]

_ORDER = {"bad": 0, "warning": 1, "info": 2}
_CONSEQUENCES = {  # what needs no mention once the cause has been named
    "nonfinite": {"diverging", "plateau", "overfitting", "exploding-gradient"},
    "diverging": {"plateau", "overfitting"},
}
NOTHING: Mapping[str, Any] = {}


def findings(*found: Finding | None) -> list[Finding]:
    """The findings there are, worst first, without the mere consequences of another."""
    present = [finding for finding in found if finding is not None]
    silent: set[str] = set()
    for finding in present:
        silent |= _CONSEQUENCES.get(finding.code, set())
    kept = [finding for finding in present if finding.code not in silent]
    return sorted(kept, key=lambda finding: _ORDER[finding.severity])


def lower(parameters: ParameterSet, name: str, factor: float = 0.1) -> dict[str, float]:
    """The fix “make ``name`` smaller”, kept within its range; empty when it is lowest already."""
    spec, now = parameters.spec(name), float(getattr(parameters, name))
    wanted = max(float(f"{now * factor:.2g}"), spec.low if spec.low is not None else -math.inf)
    return {name: wanted} if wanted < now else {}


def raise_(parameters: ParameterSet, name: str, factor: float = 10.0) -> dict[str, float]:
    """The fix “make ``name`` larger”, kept within its range; empty when it is highest already."""
    spec, now = parameters.spec(name), float(getattr(parameters, name))
    wanted = min(float(f"{now * factor:.2g}"), spec.high if spec.high is not None else math.inf)
    return {name: wanted} if wanted > now else {}


def number(value: float) -> str:
    """A number as evidence shows it: three significant digits, powers of ten when far from 1."""
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    mantissa, exponent = f"{value:.1e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa}×10{raised}"
