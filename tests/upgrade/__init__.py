"""Data, clients and servers of the first version, 0.1.0, beside those of this one."""
