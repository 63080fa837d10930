"""The parts of `compile`: trees to Python's own syntax, statement by statement."""
