"""Tickets of other systems: what they ask for, what people decided in them, and what they are told."""
