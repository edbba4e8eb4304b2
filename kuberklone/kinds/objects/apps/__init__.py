"""Kinds of the group apps: what keeps pods running."""
