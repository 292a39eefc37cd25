"""What the user gets: async functions from (buffer, index, model) to plain values."""
