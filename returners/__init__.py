"""Salt's loader finds the returner in here."""
