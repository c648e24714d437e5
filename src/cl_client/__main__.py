"""`python -m cl_client` is `cl-client`."""

import sys

from cl_client.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
