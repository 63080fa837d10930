"""The vocabulary: every word of the language, one file each, handed to compiler and checker."""

from collections.abc import Mapping
from importlib import import_module

from kzrules.language.word import Word

__all__ = ["WORDS"]

_NAMES = """
    after_last after_text answer base64 before before_last captures chunks cidr_match contains
    count count_text debug dispatcher_add dispatcher_list dispatcher_reload dispatcher_remove
    ends_with error event_route format_time has hex htable_delete htable_flush htable_get
    htable_set htable_set_expire increment info int join json key keys kz_encode kz_json len
    lower max md5 merge min now now_ms number param parse_json presence_refresh_watchers publish
    query registrations replace replace_matches reply rpc sha256 sort split starts_with substr
    sum tell text trim unbase64 unhex unique unquote unregister upper uri_domain uri_host
    uri_param uri_port uri_scheme uri_transport uri_user uuid values warn without
"""
"""Each is a module here with its `WORD`; imported by name, for many are called as Python's own functions."""

WORDS: Mapping[str, Word] = {name: import_module(f"kzrules.words.{name}").WORD for name in _NAMES.split()}
