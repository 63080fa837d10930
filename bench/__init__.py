"""Measurements beside real peers: `make bench`. Nothing here is installed with kzrules."""
