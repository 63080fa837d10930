"""The parts of `declare`: each kind of declaration as plain values."""
