"""What the buffer says: unfinished Python, read with tree-sitter."""
