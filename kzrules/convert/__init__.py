"""Kamailio configurations to rule files: preprocess, parse, pick out what is about AMQP, translate.

`kzrules convert` calls `convert.convert`. In the order of the data: `preprocess`, `lexer`, `parser`,
`pick`, `flow`, the translation (`expressions`, `statements`, `declare`), `tidy`, `summary`.
"""
