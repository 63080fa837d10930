"""The interpreter as a service of many short-lived values wants it. Called once, with the rules loaded."""

import ctypes
import gc

YOUNG = 10_000
"""New containers between two looks of the collector: with Python's own 700, it looked once in fifty
events and found nothing, since an event's values are in no circles."""


def settle() -> None:
    """Keep what was loaded out of every later collection, and give back what loading needed."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; others give back by themselves
    if trim is not None:
        trim(0)
