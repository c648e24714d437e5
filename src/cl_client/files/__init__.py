"""Files of jobs on this machine."""
