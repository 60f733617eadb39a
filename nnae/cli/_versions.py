"""``nnae versions``."""

from __future__ import annotations

import io

from nnae.cli._options import Json
from nnae.cli._screen import Screen


def versions(as_json: Json = False) -> None:
    r"""Print the versions of nnae and of what it stands on, and how its kernels were built.

    \b
    Example:
      nnae versions
    """
    import nnae

    text = io.StringIO()
    nnae.show_versions(text)
    screen = Screen(as_json=as_json)
    screen.text(text.getvalue().rstrip("\n"))
    lines = [line.split(None, 1) for line in text.getvalue().splitlines()]
    screen.result({line[0]: line[1] for line in lines})
