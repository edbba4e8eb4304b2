"""Turns desired nodes into existing ones: creates, restarts and removes machines."""
