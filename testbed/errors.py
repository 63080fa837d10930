"""What can go wrong with a broker of our own. The text is what a person reads."""


class NoBroker(Exception):
    """What is needed is not to be had here, or did not start; the text says what to do."""


class CommandFailed(Exception):
    """A node did not do what it was told; what it said follows."""
