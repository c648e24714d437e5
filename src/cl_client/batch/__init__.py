"""Many files at once, and the journal that lets a batch resume after a crash."""
