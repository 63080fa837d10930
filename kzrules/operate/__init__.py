"""What operators see and do: the service's state as plain values, and who is told of each event."""
