"""Salt's job cache: the database, and the spool while that is away."""
