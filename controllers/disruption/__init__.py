"""Counts how many pods each PodDisruptionBudget can spare."""
