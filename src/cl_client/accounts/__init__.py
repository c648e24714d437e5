"""Users and tokens: the auth server's endpoints, and sessions that outlive the process."""
