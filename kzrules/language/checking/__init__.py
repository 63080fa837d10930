"""The parts of `check`: names, kinds, fallibility, delivery, what is never reached, what is silenced."""
