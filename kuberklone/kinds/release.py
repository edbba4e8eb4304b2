"""Which Kubernetes this cluster speaks like: clients choose what they send, and how, by it."""

MAJOR = "1"
MINOR = "37"
KUBERNETES_VERSION = f"v{MAJOR}.{MINOR}.0"
