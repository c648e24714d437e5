"""MQTT: events of jobs, announcements of workers, and bells that wake them."""
