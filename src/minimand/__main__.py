"""`python -m minimand`, the same command as `minimand`."""

import sys

from minimand.cli import main

# a spawned worker imports this module again under another name, and must not start the command once more.
if __name__ == "__main__":
    sys.exit(main())
