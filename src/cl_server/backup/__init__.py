"""Backup and restore of a compute server and an auth server: their databases, the files of jobs, and the signing keys.

A backup is a folder that any server of this version or a newer one can restore, whatever it keeps its jobs in: from
SQLite and a local folder to PostgreSQL and S3, or the other way.
"""
