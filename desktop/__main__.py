"""``python -m desktop`` is the same as the installed command ``glassbox``."""

from desktop.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
