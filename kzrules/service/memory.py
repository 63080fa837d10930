"""The interpreter as a service of many short-lived values wants it. Called once, with the rules loaded."""

import ctypes
import gc
import sys

YOUNG = 10_000
"""New containers between two looks of the collector: with Python's own 700, it looked once in fifty
events and found nothing, since an event's values are in no circles."""

SWITCH = 0.001
"""Seconds after which a rule that runs makes room for the reactor, which gives up the interpreter at each
read and write; Python's own 5 ms are a slow rule's whole time. One event in a hundred of large rules took
57 ms in place of 92 (500 a second, two rounds), the median and the cost stayed; 0.2 ms brought no more that
could be told from chance at 1,500 a second. `make bench ARGS=switch` measures it."""


def settle() -> None:
    """Keep what was loaded out of every later collection, give back what loading needed, and take turns."""
    sys.setswitchinterval(SWITCH)
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; others give back by themselves
    if trim is not None:
        trim(0)
