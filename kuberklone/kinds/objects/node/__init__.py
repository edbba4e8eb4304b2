"""Kinds of the group node.k8s.io: how containers are run."""
