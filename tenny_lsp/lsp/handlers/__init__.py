"""One file for each request or command: from LSP parameters to LSP results."""
