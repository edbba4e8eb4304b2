"""Finishes deletions that nobody else can finish and forgets what is old."""
