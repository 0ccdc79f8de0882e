"""Experiments: what trains, what can be shown, how to go back. torch and numpy, no Qt."""
