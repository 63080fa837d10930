"""The vocabulary: every word of the language, one file each, handed to compiler and checker."""

from collections.abc import Mapping
from importlib import import_module

from kzrules.language.word import Word

__all__ = ["WORDS"]

_NAMES = """
    after_last after_text base64 before before_last captures chunks cidr_match contains count
    count_text debug ends_with error format_time has hex increment info int join json key keys
    kz_encode kz_json len lower max md5 merge min now now_ms number param parse_json publish
    query replace replace_matches reply sha256 sort split starts_with substr sum text trim
    unbase64 unhex unique unquote upper uri_domain uri_host uri_param uri_port uri_scheme
    uri_transport uri_user uuid values warn without
"""
"""Each is a module here with its `WORD`; imported by name, for many are called as Python's own functions."""

WORDS: Mapping[str, Word] = {name: import_module(f"kzrules.words.{name}").WORD for name in _NAMES.split()}
