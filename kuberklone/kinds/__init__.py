"""What exists: one module per kind, and the value types that kinds are made of."""
