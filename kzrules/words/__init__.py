"""The vocabulary: every word of the language, one file each, handed to compiler and checker."""

from collections.abc import Mapping

from kzrules.language.word import Word
from kzrules.words import (
    after_last as after_last_word,
)
from kzrules.words import (
    after_text as after_text_word,
)
from kzrules.words import (
    base64 as base64_word,
)
from kzrules.words import (
    before as before_word,
)
from kzrules.words import (
    before_last as before_last_word,
)
from kzrules.words import (
    captures as captures_word,
)
from kzrules.words import (
    chunks as chunks_word,
)
from kzrules.words import (
    cidr_match as cidr_match_word,
)
from kzrules.words import (
    contains as contains_word,
)
from kzrules.words import (
    count as count_word,
)
from kzrules.words import (
    count_text as count_text_word,
)
from kzrules.words import (
    debug as debug_word,
)
from kzrules.words import (
    ends_with as ends_with_word,
)
from kzrules.words import (
    error as error_word,
)
from kzrules.words import (
    format_time as format_time_word,
)
from kzrules.words import (
    has as has_word,
)
from kzrules.words import (
    hex as hex_word,
)
from kzrules.words import (
    increment as increment_word,
)
from kzrules.words import (
    info as info_word,
)
from kzrules.words import (
    int as int_word,
)
from kzrules.words import (
    join as join_word,
)
from kzrules.words import (
    json as json_word,
)
from kzrules.words import (
    key as key_word,
)
from kzrules.words import (
    keys as keys_word,
)
from kzrules.words import (
    kz_encode as kz_encode_word,
)
from kzrules.words import (
    kz_json as kz_json_word,
)
from kzrules.words import (
    len as len_word,
)
from kzrules.words import (
    lower as lower_word,
)
from kzrules.words import (
    max as max_word,
)
from kzrules.words import (
    md5 as md5_word,
)
from kzrules.words import (
    merge as merge_word,
)
from kzrules.words import (
    min as min_word,
)
from kzrules.words import (
    now as now_word,
)
from kzrules.words import (
    now_ms as now_ms_word,
)
from kzrules.words import (
    number as number_word,
)
from kzrules.words import (
    param as param_word,
)
from kzrules.words import (
    parse_json as parse_json_word,
)
from kzrules.words import (
    publish as publish_word,
)
from kzrules.words import (
    query as query_word,
)
from kzrules.words import (
    replace as replace_word,
)
from kzrules.words import (
    replace_matches as replace_matches_word,
)
from kzrules.words import (
    reply as reply_word,
)
from kzrules.words import (
    sha256 as sha256_word,
)
from kzrules.words import (
    sort as sort_word,
)
from kzrules.words import (
    split as split_word,
)
from kzrules.words import (
    starts_with as starts_with_word,
)
from kzrules.words import (
    substr as substr_word,
)
from kzrules.words import (
    sum as sum_word,
)
from kzrules.words import (
    text as text_word,
)
from kzrules.words import (
    trim as trim_word,
)
from kzrules.words import (
    unbase64 as unbase64_word,
)
from kzrules.words import (
    unhex as unhex_word,
)
from kzrules.words import (
    unique as unique_word,
)
from kzrules.words import (
    unquote as unquote_word,
)
from kzrules.words import (
    upper as upper_word,
)
from kzrules.words import (
    uri_domain as uri_domain_word,
)
from kzrules.words import (
    uri_host as uri_host_word,
)
from kzrules.words import (
    uri_param as uri_param_word,
)
from kzrules.words import (
    uri_port as uri_port_word,
)
from kzrules.words import (
    uri_scheme as uri_scheme_word,
)
from kzrules.words import (
    uri_transport as uri_transport_word,
)
from kzrules.words import (
    uri_user as uri_user_word,
)
from kzrules.words import (
    uuid as uuid_word,
)
from kzrules.words import (
    values as values_word,
)
from kzrules.words import (
    warn as warn_word,
)
from kzrules.words import (
    without as without_word,
)

__all__ = ["WORDS"]

_MODULES = (
    after_last_word,
    after_text_word,
    base64_word,
    before_word,
    before_last_word,
    captures_word,
    chunks_word,
    cidr_match_word,
    contains_word,
    count_word,
    count_text_word,
    debug_word,
    ends_with_word,
    error_word,
    format_time_word,
    has_word,
    hex_word,
    increment_word,
    info_word,
    int_word,
    join_word,
    json_word,
    key_word,
    keys_word,
    kz_encode_word,
    kz_json_word,
    len_word,
    lower_word,
    max_word,
    md5_word,
    merge_word,
    min_word,
    now_word,
    now_ms_word,
    number_word,
    param_word,
    parse_json_word,
    publish_word,
    query_word,
    replace_word,
    replace_matches_word,
    reply_word,
    sha256_word,
    sort_word,
    split_word,
    starts_with_word,
    substr_word,
    sum_word,
    text_word,
    trim_word,
    unbase64_word,
    unhex_word,
    unique_word,
    unquote_word,
    upper_word,
    uri_domain_word,
    uri_host_word,
    uri_param_word,
    uri_port_word,
    uri_scheme_word,
    uri_transport_word,
    uri_user_word,
    uuid_word,
    values_word,
    warn_word,
    without_word,
)

WORDS: Mapping[str, Word] = {module.WORD.name: module.WORD for module in _MODULES}
