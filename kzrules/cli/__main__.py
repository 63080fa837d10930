"""`python -m kzrules.cli`: the command, where its script is not on the path."""

from kzrules.cli.command import main

main()
