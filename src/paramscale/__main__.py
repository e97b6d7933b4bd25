"""``python -m paramscale`` is the command ``paramscale``."""

import sys

from paramscale.cli import main

if __name__ == "__main__":
    sys.exit(main())
