"""Workers: the process of one, and the host of several."""
