"""The routes of the compute server, one file for each noun."""
