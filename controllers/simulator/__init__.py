"""Plays the agents of all simulated nodes."""
