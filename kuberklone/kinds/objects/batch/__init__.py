"""Kinds of the group batch: work that ends."""
