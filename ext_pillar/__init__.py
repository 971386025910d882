"""Salt's loader finds the pillar module in here."""
