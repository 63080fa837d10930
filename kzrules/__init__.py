"""AMQP events run rules: what Kamailio's kazoo module does, as a service of its own."""

__all__ = ["__version__"]

__version__ = "0.1.0"
