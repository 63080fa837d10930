"""Where the parts are joined: rules, workers, links, publishers, queries and consumers."""
