"""The Kubernetes API: the same records as the lab API's, for kubectl and every client library."""
