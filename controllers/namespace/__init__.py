"""Gives every namespace what it must have, and empties those that are deleted."""
