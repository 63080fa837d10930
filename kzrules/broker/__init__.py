"""Twisted and pika: connections, consuming, workers, publishing and queries."""
