"""The nouns that every other package speaks of: deliveries, events, actions and outcomes."""
