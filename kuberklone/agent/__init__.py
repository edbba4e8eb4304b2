"""One node's own process: what it does with the pods placed on it."""
