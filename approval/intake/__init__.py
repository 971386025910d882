"""From what people typed to what is meant by it."""
