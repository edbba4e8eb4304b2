"""Kinds of the group policy: what may be taken away at one time."""
