"""Deletes what exists only for the sake of something that is gone."""
