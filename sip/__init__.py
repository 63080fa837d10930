"""The proof that Kamailio asks and kzrules answers: real programs, counted on every side."""
