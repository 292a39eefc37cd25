"""Rules, by family; ``table`` imports them all."""
