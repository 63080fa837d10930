"""Event to route name to rule to actions, without a reactor, a socket or a clock of its own."""
