"""Files of jobs, in a local folder or in S3."""
