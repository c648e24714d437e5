"""Following jobs and workers, over MQTT and HTTP."""
