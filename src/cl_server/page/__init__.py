"""The page at `/ui`: its shell and files, and its session. Everything else it does through the API, as any client."""
