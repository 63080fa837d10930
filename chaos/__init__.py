"""Experiments that break brokers, connections and the service, and count what was lost: `make chaos`."""
