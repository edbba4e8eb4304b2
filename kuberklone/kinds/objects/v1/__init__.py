"""Kinds of the core group, whose documents say `v1`."""
