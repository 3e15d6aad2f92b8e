"""The command line, `python -m backend`: the same doors as the pages, for scripts and tests."""

import sys

from backend.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
