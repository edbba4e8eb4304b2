"""Keeps as many pods as ReplicaSets and ReplicationControllers want."""
