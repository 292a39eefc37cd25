"""Our side of the model: the client of its process, its answers, and the only prompts."""
