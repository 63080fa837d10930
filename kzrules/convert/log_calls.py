"""Lines of Kamailio's log as lines of the log of rules. `calls` hands over each `xlog` and its kin."""

import re
from abc import ABC

from kzrules.convert import make
from kzrules.convert import nodes as n
from kzrules.convert.conditions import Conditions
from kzrules.language import tree as t

_LEVELS = {
    "L_ALERT": "error", "L_BUG": "error", "L_CRIT": "error", "L_CRIT2": "error", "L_ERR": "error",
    "L_WARN": "warn", "L_NOTICE": "info", "L_INFO": "info", "L_DBG": "debug",
    "-5": "error", "-4": "error", "-3": "error", "-2": "error", "-1": "error",
    "0": "warn", "1": "info", "2": "info", "3": "debug",
}  # fmt: skip
_OWN_LOGS = {
    "xdbg": "debug", "dbg": "debug", "xinfo": "info", "xnotice": "info", "xwarn": "warn", "xerr": "error",
    "xcrit": "error", "xalert": "error", "xbug": "error", "err": "error",
}  # fmt: skip
LOGS = frozenset({*_OWN_LOGS, "xlog", "xlogl", "log"})


class LogCalls(Conditions, ABC):
    """Translates what writes into the log."""

    def log(self, call: n.Call) -> None:
        """`xlog([level,] text)`"""
        given = [
            one for one in call.arguments if not (isinstance(one, n.Text) and one.text.startswith("LOG_"))
        ]
        word = _OWN_LOGS.get(call.name)
        text = given[-1] if given else n.Text("", call.place)
        if word is None:
            level = given[0] if len(given) > 1 else n.Text("L_ERR", call.place)
            name = str(getattr(level, "text", getattr(level, "value", "")))
            word = _LEVELS.get(name.strip())
            if word is None:
                self.gap("log level", f"`{name}` is known only at run time; this line is `info`")
                word = "info"
        self.in_log = True
        if isinstance(text, n.Text):
            text = n.Text(_one_line(text.text), text.place)
        shown = self.value(text)
        self.in_log = False
        plain = isinstance(shown, t.Template | t.Literal)
        self.add(make.do(make.call(word, shown if plain else self.as_text(shown))))


def _one_line(text: str) -> str:
    return re.sub(r"\s*\n\s*", " ", text.rstrip()).strip() or text.strip()
