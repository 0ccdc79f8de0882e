"""Threads: the only place where the engine and Qt meet."""
