"""How it learns: from an index of entries to rows, and from rows to an adapter."""
