"""Write the reference of the package as HTML: ``python -W error vignettes/reference.py DIR``.

Rendered by pdoc from the docstrings; a docstring that is missing or a warning is an error.
"""

import importlib
import inspect
import sys
import warnings
from pathlib import Path

import nnae

MODULES = (
    "nnae", "nnae.metrics", "nnae.io", "nnae.datasets", "nnae.decoders", "nnae.hierarchy",
    "nnae.ridge", "nnae.one_vs_rest", "nnae.model_selection", "nnae.persist", "nnae.plot",
    "nnae.images", "nnae.r",
)  # fmt: skip


def main(folder: Path) -> None:
    """Write the pages, or say which name has no docstring or no place."""
    import pdoc

    undocumented = []
    for name in MODULES:
        module = importlib.import_module(name)
        for public in getattr(module, "__all__", ()):
            value = getattr(module, public)  # lazy names are found by pdoc once they are loaded
            vars(module).setdefault(public, value)
            if not inspect.getdoc(value) and not isinstance(value, str):
                undocumented.append(f"{name}.{public}")
    if undocumented:
        sys.exit(f"without a docstring: {', '.join(undocumented)}")
    # names that are imported for type checkers alone: the annotation is shown as it is written
    warnings.filterwarnings("ignore", message="Error parsing type annotation")
    pdoc.render.configure(docformat="numpy", math=True, footer_text=f"nnae {nnae.__version__}")
    listed = {f"nnae.{name}" for name in nnae.__all__}  # pdoc follows these by itself
    specs = [name for name in MODULES if name not in listed]
    pdoc.pdoc(*specs, output_directory=folder)
    for name in MODULES:
        page = folder / (name.replace(".", "/") + ".html")
        text = page.read_text("utf-8")
        for public in getattr(importlib.import_module(name), "__all__", ()):
            if public not in text:
                sys.exit(f"{page.name} lacks {public}")
    print(f"{len(MODULES)} pages in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
