"""Checks that need no database: anybody can make them of an export."""
