"""Neighbouring requests that a newer one makes pointless are merged; the order of others stays."""

from desktop.runtime import messages as m
from desktop.runtime.worker import merge


def test_a_drag_becomes_one_seek():
    assert merge([m.Seek(1), m.Seek(2), m.Seek(3)]) == [m.Seek(3)]


def test_typed_values_become_one_change():
    merged = merge([m.Change({"a": 1}), m.Change({"b": 2}), m.Change({"a": 3})])
    assert merged == [m.Change({"a": 3, "b": 2})]


def test_different_requests_keep_their_order():
    requests = [m.Seek(1), m.Play(), m.Seek(2), m.Pause()]
    assert merge(requests) == requests
