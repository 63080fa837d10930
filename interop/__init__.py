"""kzrules beside the real kazoo module of Kamailio: `make interop`."""
