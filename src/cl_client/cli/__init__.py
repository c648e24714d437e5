"""The command line `cl-client`."""
