"""Removes pods from nodes that are unreachable, tainted NoExecute or being deleted."""
