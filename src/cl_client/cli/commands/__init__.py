"""One module for each command of `cl-client`."""
