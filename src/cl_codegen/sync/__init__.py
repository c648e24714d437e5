"""The client without async, written from the one with it."""
