"""What is done to tables and queues: entries forgotten, locks, `mq_add`. `calls` hands each function over."""

from abc import ABC

from kzrules.convert import make
from kzrules.convert import nodes as n
from kzrules.convert.conditions import Conditions
from kzrules.language import tree as t


class TableCalls(Conditions, ABC):
    """Translates functions of htable and mqueue; reading and writing an entry is a variable's affair."""

    def forget(self, call: n.Call) -> t.Expr | None:
        """`sht_rm("table", "key")`, `sht_rm("table=>key")`"""
        first = str(getattr(call.argument(0), "text", ""))
        inner = first if "=>" in first else f"{first}=>{getattr(call.argument(1), 'text', '')}"
        made = self.entry(inner)
        assert isinstance(made.base, t.Name)  # noqa: S101  `entry` makes it so
        self.add(t.Delete(made.base.id, made.key, span=make.HERE))
        return None

    def forget_all(self, call: n.Call) -> t.Expr | None:
        """`sht_reset("table")`"""
        name = self.table(str(getattr(call.argument(0), "text", "")))
        self.add(t.DeleteWhere(name, make.binary("!=", make.name("key"), make.NULL), span=make.HERE))
        return None

    def forget_matching(self, call: n.Call) -> t.Expr | None:
        """`sht_rm_name_re("table=>pattern")`, `sht_rm_value_re`, and their forms with an operator."""
        subject = make.name("value" if "value" in call.name else "key")
        first = str(getattr(call.argument(0), "text", ""))
        table, _, pattern = first.partition("=>")
        operator = "re"
        if not pattern:
            operator = str(getattr(call.argument(1), "text", ""))
            pattern = str(getattr(call.argument(2), "text", ""))
        condition = self.forgotten(subject, operator, pattern)
        if condition is None:
            self.gap("table", f"`{pattern}` is more than a rule can look for in a table")
        else:
            self.add(t.DeleteWhere(self.table(table), condition, span=make.HERE))
        return None

    def forgotten(self, subject: t.Expr, operator: str, pattern: str) -> t.Expr | None:
        """The condition for entries to be forgotten."""
        if operator in ("eq", "==", "sw", "ew"):
            wanted = self.as_text(self.glued(self.holes(pattern)))
            if operator in ("eq", "=="):
                return make.binary("==", subject, wanted)
            return make.call("starts_with" if operator == "sw" else "ends_with", subject, wanted)
        if operator != "re":
            return None
        if (plain := self.plain_pattern(subject, pattern)) is not None:
            return plain
        if any(not isinstance(one, str) for one in self.holes(pattern)):
            return None
        return make.matches(subject, pattern)

    def nothing(self, call: n.Call) -> t.Expr | None:
        """Locks: what a rule writes takes effect together."""
        self.world.note(f"`{call.name}`, left out: what a rule writes takes effect together")
        return None

    def queue_add(self, call: n.Call) -> t.Expr | None:
        """`mq_add(queue, key, value)`: what emptied the queue is done at once."""
        queue = str(getattr(call.argument(0), "text", ""))
        if queue not in self.world.drains:
            self.gap("queue", f"nothing that was taken over empties the queue `{queue}`")
            return None
        key, value = self.text(call.argument(1)), self.value(call.argument(2))
        self.world.learn("item_value", self.world.kind(value), f"queue {queue}")
        self.add(make.do(make.call(self.world.drains[queue], key, value)))
        return None
