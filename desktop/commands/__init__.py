"""The commands besides the window: one module each, with ``add_arguments(parser)`` and
``run(arguments) -> int``. Importing a command's module imports neither Qt nor torch; ``run`` does
when it has to. ``desktop.cli`` finds, parses and dispatches."""
