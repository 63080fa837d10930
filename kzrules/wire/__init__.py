"""Bytes and numbers: bookkeeping and codecs without any input or output of their own."""
