"""The lab API: the project's original interface, small enough to type."""
