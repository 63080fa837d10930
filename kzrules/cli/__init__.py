"""The `kzrules` command: one file a verb."""
