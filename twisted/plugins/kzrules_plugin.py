"""What makes `twistd kzrules` known. Every twistd on the machine reads this file: names only."""

from twisted.application.service import ServiceMaker

kzrules = ServiceMaker(  # type: ignore[no-untyped-call]  # Twisted gives no types here
    "kzrules",
    "kzrules.tap",
    "AMQP events run rules: what Kamailio's kazoo module does, beside Kamailio.",
    "kzrules",
)
