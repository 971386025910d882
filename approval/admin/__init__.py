"""Administration: the schema, logins, and the check of a master's configuration."""
