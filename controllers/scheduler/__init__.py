"""Binds pending pods to nodes, in batches, by priority and age, and records why each went where it did."""
