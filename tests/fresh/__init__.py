"""The commands of the README on a machine that has never seen this project: see `__main__.py`."""
