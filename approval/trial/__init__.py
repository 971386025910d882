"""A private site to try the web service on: a PostgreSQL server of its own, and a believable month in its database."""
