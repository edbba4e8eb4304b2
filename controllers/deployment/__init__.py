"""Rolls Deployments out: makes, scales and forgets their ReplicaSets."""
