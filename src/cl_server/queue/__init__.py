"""Jobs in a SQL database: the queue, its tables, its retention."""
