"""Requests: authentication, retries, uploads, and errors of httpx as ours."""
