"""What can go wrong with a broker of our own. The text is what a person reads."""


class NoBroker(Exception):  # noqa: N818  what is the matter, not that something is
    """What is needed is not to be had here, or did not start; the text says what to do."""


class CommandFailed(Exception):  # noqa: N818  as above
    """A node did not do what it was told; what it said follows."""


class NoKamailio(NoBroker):
    """Kamailio with its kazoo module is not to be had here; the text says what is left out."""


class NoBrowser(NoBroker):
    """A browser is not to be had here; the text says what is left out."""
