"""A Kubernetes-like cluster whose whole state is a SQL database you can read."""

__version__ = "0.1.0"
