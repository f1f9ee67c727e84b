"""`python -m rrgraph` is the `rrgraph` command."""

import sys

from rrgraph.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
