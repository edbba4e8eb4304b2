"""Judges heartbeats: which nodes are Ready, which are silent for too long."""
