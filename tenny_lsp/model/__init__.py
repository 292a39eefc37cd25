"""Who speaks: the model worker, its client, and the only prompts."""
