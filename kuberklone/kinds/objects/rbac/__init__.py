"""Kinds of the group rbac.authorization.k8s.io: who may do what."""
