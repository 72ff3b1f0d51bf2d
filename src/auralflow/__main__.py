"""`python -m auralflow` is the command `auralflow`."""

import sys

from auralflow.cli import main

if __name__ == "__main__":
    sys.exit(main())
