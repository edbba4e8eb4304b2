"""What the Kubernetes API does to any JSON document, whatever its kind: read, check, patch, apply, select."""
