"""The demonstration: a broker, the service as a real process, a stream of events, and totals that add up."""
