"""Salt's loader finds the runner in here."""
