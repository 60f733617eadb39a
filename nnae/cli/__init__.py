"""The command line: ``nnae`` and ``python -m nnae``."""

from nnae.cli._app import main

__all__ = ["main"]
