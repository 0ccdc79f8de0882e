"""A lesson on screen: prose, live panels, controls, transport, checks, code and sharing.

Everything here speaks to ``desktop.runtime.session`` and to the course; nothing imports torch.
"""
