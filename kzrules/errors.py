"""The errors that cross a border between packages, named by whose fault they are.

An error's text is what a person reads: what happened, to what, and what to do now.
"""


class KzError(Exception):
    """Something that kzrules can name went wrong; the text says what, to what, and what to do."""


class RuleFailure(KzError):
    """A rule could not go on with this event: the rule's author reads this, with file and line."""


class PayloadError(KzError):
    """The sender's payload cannot be read: not JSON, not an object, too large or too deep."""


class SettingError(KzError):
    """An operator's setting is missing or wrong: a command line, an environment or a secret."""


class BrokerError(KzError):
    """The broker said no, or nothing at all."""


class BrokerGone(BrokerError):
    """There is no connection to a broker now; the work is kept and tried again on the next one."""


class KamailioGone(KzError):
    """A Kamailio is not connected, or does not read; an event that tells it something is tried again."""


class BrokerRefused(BrokerError):
    """The broker answered, and refused: login, virtual host or a declaration. Its words follow."""
