"""Kinds of the group storage.k8s.io: what volumes are made of."""
