"""The window's shell, as the interface's tests have it."""

from tests.ui.conftest import appearance, window

__all__ = ["appearance", "window"]
