"""The database's definition: roles, numbered migrations, one file per function, grants."""
