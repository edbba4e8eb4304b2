"""Kinds of the group autoscaling: how many there shall be."""
