"""The engine beside the master: workers that run all the time."""
