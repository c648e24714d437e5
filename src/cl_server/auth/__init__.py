"""The auth server: users, passwords, and the tokens that the other servers believe."""
