"""Event loops and threads: the client without async stands on them."""
