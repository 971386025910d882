"""Salt's loader finds the engine in here."""
