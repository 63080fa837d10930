"""`answer`: the answer to a question of Kamailio's."""

from kzrules.language.word import Doing, Example, Kind, Parameter, Word

WORD = Word(
    name="answer",
    about=(
        "Answers Kamailio's question, and ends the rule: nothing behind it runs. What the rule published is "
        "on its way by then, and its confirms are not waited for. A rule that ends in `reject(why)`, "
        "fails, comes to its end without an answer or runs late says no instead, with the reason, at once: "
        "the script takes its fallback route. An answer has at most 32,000 bytes as JSON."
    ),
    parameters=(Parameter("body", frozenset({Kind.OBJECT}), "the answer"),),
    gives=frozenset({Kind.NULL}),
    examples=(
        Example('answer({ "uri": "sip:{.To}@10.0.0.1" })'),
        Example('answer({ "version": "1.0", "routing": "serial", "routes": [{ "uri": "sip:a@10.0.0.1" }] })'),
    ),
    doing=Doing.ANSWER,
    pure=False,
    group="Kamailio",
)
