"""Numbers as people read and type them: significant digits, a true minus, slider positions.

Imports nothing of ours but the parameter specs.
"""

from __future__ import annotations

import math

from desktop.engine.parameters import ParameterSpec

SLIDER_STEPS = 1000


def shown(value: float, digits: int = 4) -> str:
    """``value`` with up to ``digits`` significant digits, a true minus sign, no trailing zeros."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e6 or size < 1e-4:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        text = f"{mantissa}e{int(exponent)}"
    elif float(value).is_integer():
        text = f"{value:.0f}"
    else:
        text = f"{float(f'{value:.{digits}g}'):.{_decimals(value, digits)}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−")


def _decimals(value: float, digits: int) -> int:
    return max(0, digits - 1 - math.floor(math.log10(abs(value))))


def counted(value: int) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{value:,}".replace(",", "\u2009").replace("-", "−")


def to_position(spec: ParameterSpec, value: float) -> int:
    """Where on a slider of ``SLIDER_STEPS`` a value lies, linear or logarithmic."""
    low, high = _bounds(spec)
    if spec.scale == "log" and low > 0:
        part = (math.log(max(value, low)) - math.log(low)) / (math.log(high) - math.log(low))
    else:
        part = (value - low) / (high - low)
    return round(min(1.0, max(0.0, part)) * SLIDER_STEPS)


def from_position(spec: ParameterSpec, position: int) -> float:
    """The value at a slider position, rounded to three digits so that what is read is what is set."""
    low, high = _bounds(spec)
    part = position / SLIDER_STEPS
    if spec.scale == "log" and low > 0:
        value = math.exp(math.log(low) + part * (math.log(high) - math.log(low)))
    else:
        value = low + part * (high - low)
    if position in (0, SLIDER_STEPS):
        return low if position == 0 else high
    if spec.kind == "integer":
        return float(round(value))
    value = _neat(value, high - low if spec.scale == "linear" else 0.0)
    return min(high, max(low, value))


def _neat(value: float, span: float) -> float:
    """Round to three significant digits, or to a thousandth of the span on a linear slider."""
    if span > 0:
        unit = 10.0 ** math.floor(math.log10(span / 200))
        return round(round(value / unit) * unit, 12)
    return float(f"{value:.3g}")


def _bounds(spec: ParameterSpec) -> tuple[float, float]:
    low = 0.0 if spec.low is None else spec.low
    high = low + 1.0 if spec.high is None else spec.high
    return low, (high if high > low else low + 1.0)


def nudged(spec: ParameterSpec, value: float, steps: int) -> float:
    """``value`` moved by ``steps`` small natural steps, as the arrow keys do; kept in range."""
    low, high = _bounds(spec)
    if spec.kind in ("integer", "integers"):
        moved = value + steps
    elif spec.scale == "log" and value > 0:
        moved = float(f"{value * 1.1**steps:.3g}")
    else:
        moved = _neat(value + steps * (high - low) / 100, high - low)
    return min(high, max(low, moved))
