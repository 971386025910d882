"""A file root for minions, served by Salt's own file server."""
