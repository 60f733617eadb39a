"""``nnae versions``."""

from __future__ import annotations


def versions() -> None:
    r"""Print the versions of nnae and of what it stands on, and how its kernels were built.

    \b
    Example:
      nnae versions
    """
    import nnae

    nnae.show_versions()
