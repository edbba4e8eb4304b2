"""The loops that turn desired state into observed state; none knows another."""
