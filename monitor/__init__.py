"""The daemon: schedules the probes, judges and stores their results, and tells people and Prometheus of them."""
