"""The editor: the only package that imports pygls and lsprotocol."""
