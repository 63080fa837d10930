"""Programs that do the same work with other libraries; each is run as a script."""
