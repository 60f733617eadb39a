"""Run the command line: ``python -m nnae``."""

import sys

from nnae.cli import main

if __name__ == "__main__":
    sys.exit(main())
