"""Kamailio: questions by evapi and their answers, events told to it, and its control plane by JSON-RPC."""

__all__ = ["bridge"]
