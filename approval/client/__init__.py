"""The interface by which people ask for, decide and see changes."""
