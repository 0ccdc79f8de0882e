"""How numbers are written on every panel: significant digits, a true minus, thin grouping.

One module, so that the same value never reads differently in two places. Imports nothing of ours.
"""

from __future__ import annotations

import math

MINUS = "\N{MINUS SIGN}"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, digits: int = 4) -> str:
    """``value`` with ``digits`` significant digits: 12,340 · 0.1234 · −1.2×10⁻⁵ · NaN · ∞."""
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if value == 0:
        return "0"
    if value == int(value) and abs(value) < 10**7:
        return _true_minus(f"{int(value):,}")
    exponent = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if exponent < -4 or exponent >= 7:
        return _scientific(value, digits)
    return _true_minus(f"{value:,.{max(0, digits - 1 - exponent)}f}")


def round_number(value: float, digits: int = 4) -> str:
    """The same without the zeros that only say how exact a measured value is: 0.05, not 0.05000."""
    text, times, power = number(value, digits).partition("×")
    return (text.rstrip("0").rstrip(".") if "." in text else text) + times + power


def fixed(value: float, decimals: int) -> str:
    """``value`` with a fixed number of decimals, for columns and axes where digits must align."""
    if not math.isfinite(value):
        return number(value)
    text = f"{value:,.{max(0, decimals)}f}"
    return _true_minus(text[1:] if text.startswith("-") and not text.strip("-0.,") else text)


def tick_labels(values: list[float], step: float) -> list[str]:
    """Labels of evenly spaced ticks, all with the decimals that ``step`` needs."""
    largest = max((abs(value) for value in values), default=0.0)
    if largest >= 1e6 or (0 < largest < 1e-3):
        return [short(value) for value in values]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    if step > 0 and abs(step * 10**decimals - round(step * 10**decimals)) > 1e-6:
        decimals += 1
    return [fixed(value, decimals) for value in values]


def short(value: float) -> str:
    """At most three digits and no trailing zeros, where room is scarce: 0.05 · 10³ · 2×10⁻⁶."""
    if value == 0 or not math.isfinite(value):
        return number(value)
    exponent = math.floor(math.log10(abs(value)) + 1e-12)
    if -4 < exponent < 5:
        text = f"{value:,.{max(0, 2 - exponent)}f}"
        if "." in text:  # zeros before the point are part of the number
            text = text.rstrip("0").rstrip(".")
        return _true_minus(text if value != int(value) else f"{int(value):,}")
    mantissa = round(value / 10.0**exponent, 2)
    power = f"10{str(exponent).translate(_SUPERSCRIPT)}"
    if abs(mantissa) == 1:
        return power if mantissa > 0 else MINUS + power
    return f"{_true_minus(f'{mantissa:g}')}×{power}"


def percent(value: float, digits: int = 3) -> str:
    """A share of one as per cent."""
    return f"{number(value * 100, digits)}%" if math.isfinite(value) else number(value)


def with_unit(text: str, unit: str) -> str:
    """The number and its unit, a thin space between (none before % and °)."""
    if not unit:
        return text
    return text + unit if unit in ("%", "°", "×") else f"{text}\N{NARROW NO-BREAK SPACE}{unit}"


def _scientific(value: float, digits: int) -> str:
    mantissa, exponent = f"{value:.{max(0, digits - 2)}e}".split("e")
    return f"{_true_minus(mantissa)}×10{str(int(exponent)).translate(_SUPERSCRIPT)}"


def _true_minus(text: str) -> str:
    return text.replace("-", MINUS)
