"""Requests to the Salt master: to send jobs, to resolve targets, to read keys."""
