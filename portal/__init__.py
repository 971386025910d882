"""The web service: what comes in over HTTP, and pages for people."""
