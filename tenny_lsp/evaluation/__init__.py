"""How good it is: scores of a base model and an adapter, and the report they are shown in."""
