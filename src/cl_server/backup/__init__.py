"""Backup and restore of a compute server and an auth server: their databases, the files of jobs, and the signing keys.

Any server of this version or a newer one can restore a backup, whichever database and storage it uses: from SQLite and
a local folder to PostgreSQL and S3, or the other way round.
"""
