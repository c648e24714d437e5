"""`python -m cl_client` is `cl-client`."""

from cl_client.cli.main import main

if __name__ == "__main__":
    main()
