"""Learning: build a dataset from the API index, and train a LoRA adapter on it."""
