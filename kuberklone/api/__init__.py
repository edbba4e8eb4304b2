"""HTTP in, record out. Handlers write desired state and read snapshots; they never wait for a controller."""
