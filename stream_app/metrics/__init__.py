"""What a process counts and measures, by the names of one list, and how Prometheus reads it."""
