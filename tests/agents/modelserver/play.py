"""Plays a script: one reply for each new history, the same reply for a repeated one, whatever the prompts say."""
import base64
import json
import os
import re
import threading
import urllib.parse
from collections import namedtuple

from . import fit
from .wire import make_tool

Call = namedtuple("Call", "id tool args text")  # text: the arguments as they go over the wire
Reply = namedtuple("Reply", "index text calls usage turn notes")

HOLE = re.compile(r"\{\{([^{}]+)\}\}")
NESTING_LIMIT = 4  # a variable may hold templates of other variables; deeper than this is a mistake in the script

FILTERS = {
    "b64": lambda text, _: base64.b64encode(text.encode()).decode(),
    "hex": lambda text, _: text.encode().hex(),
    "url": lambda text, _: urllib.parse.quote(text, safe=""),
    "json": lambda text, _: json.dumps(text),
    "strip": lambda text, _: text.strip(),
    "head": lambda text, n: text[: int(n)],
    "line": lambda text, n: (text.splitlines() + [""] * int(n))[int(n) - 1],
}


class Session:
    """One client's way through one script."""

    def __init__(self, script, variables):
        self.script = script
        self.vars = {**script.get("vars", {}), **variables}
        self.at = 0
        self.notes = []
        self._lock = threading.Lock()
        self._memo = {}
        self._tags = {}
        self._sent = set()

    def status(self):
        return {"at": self.at, "of": len(self.script["turns"]), "turns": self.notes}

    def next(self, request):
        """The reply to this request: a new turn, the memorised one of a retry, or the aside where no tool is offered."""
        with self._lock:
            if request.key in self._memo:
                return self._memo[request.key]
            if not request.tools:
                return self._closing("aside", "Session", request)
            while self.at < len(self.script["turns"]):
                reply = self._play(self.script["turns"][self.at], request)
                if reply:
                    return reply
            return self._closing("end", "The script is over.", request)

    def _closing(self, key, default, request):
        return Reply(key, self.script.get(key, default), [], self._usage({}, request), {}, {})

    def _play(self, turn, request):
        """One turn, used up; None where it has calls and this client offers a tool for none of them."""
        self.at += 1
        notes = self._capture(turn, request)
        if "expect" in turn:
            seen = "\n".join(self._fresh(request))
            notes["expect_ok"] = bool(re.search(self.render(turn["expect"], request), seen, re.M))
        made = [(call, self._resolve(call, request)) for call in turn.get("calls", [])]
        unresolved = [call for call, answer in made if not answer]
        if unresolved:
            notes["unresolved"] = unresolved
        self.notes.append({"turn": self.at - 1, "name": turn.get("name"), **notes})
        calls = [answer for _, answer in made if answer]
        if turn.get("calls") and not calls and "error" not in turn:
            return None
        text = self.render(turn.get("text", ""), request)
        reply = Reply(self.at - 1, text, calls, self._usage(turn, request), turn, notes)
        if not {"error", "cut_after"} & turn.keys():  # the retry after a scripted fault gets the turn after it
            self._memo[request.key] = reply
            self._sent = {call.id for call in calls}
        return reply

    def _capture(self, turn, request):
        captured = {}
        for name, pattern in turn.get("capture", {}).items():
            hits = (re.search(pattern, text, re.M) for _, text in reversed(request.results))
            hit = next(filter(None, hits), None)
            captured[name] = self.vars[name] = (hit[1] if hit.groups() else hit[0]) if hit else ""
        return {"captured": captured} if captured else {}

    def _fresh(self, request):
        """The results of the turn before; where it made no call, the newest user message."""
        return [text for call, text in request.results if call in self._sent] or [request.tail]

    def _usage(self, turn, request):
        base = {"input": len(json.dumps(request.body)) // 4, "output": 16, "cached": 0, "reasoning": 0}
        return {**base, **self.script.get("usage", {}), **turn.get("usage", {})}

    def _resolve(self, call, request):
        """The scripted call as this client understands it, or None where it offers no such tool."""
        if "any" in call:
            return next(filter(None, (self._resolve(c, request) for c in call["any"])), None)
        names = fit.SHELLS if "sh" in call else ["run"] if "run" in call else call["name"].split("|")
        server = None if "sh" in call else self.script.get("server")
        tool = fit.find_tool(names, request.tools, server)
        if not tool and call.get("emit"):
            tool = make_tool(names[0])
        if not tool:
            return None
        args = self._arguments(call, tool, request)
        prefix = "toolu_" if request.api == "messages" else "call_"
        made = Call(prefix + os.urandom(9).hex(), tool, args, args if isinstance(args, str) else json.dumps(args))
        self._tags[call.get("id")] = made.id
        return made

    def _arguments(self, call, tool, request):
        if "sh" in call:
            return fit.shell_arguments(self.render(call["sh"], request), tool)
        if "run" in call:
            return fit.command_arguments(self.render(call["run"], request), tool)
        return fit.spell_arguments(self.render(call.get("args", {}), request), tool)

    def render(self, value, request, depth=0):
        """The value with every template filled in; {"lines": [..]} becomes one string."""
        if isinstance(value, dict):
            if set(value) == {"lines"}:
                return "".join(line + "\n" for line in self.render(value["lines"], request, depth))
            return {key: self.render(v, request, depth) for key, v in value.items()}
        if isinstance(value, list):
            return [self.render(v, request, depth) for v in value]
        if isinstance(value, str):
            return HOLE.sub(lambda hole: self._lookup(hole[1], request, depth), value)
        return value

    def _lookup(self, expression, request, depth):
        if depth > NESTING_LIMIT:
            raise ValueError(f"template `{expression}` is nested too deep")
        name, *filters = [part.strip() for part in expression.split("|")]
        if name.startswith("result:"):
            out = dict(request.results).get(self._tags.get(name[7:]), "")
        elif name in ("last_result", "last_results"):
            out = "\n".join(self._fresh(request)[-1 if name == "last_result" else 0 :])
        else:
            out = self.vars.get(name, "")
            out = self.render(out, request, depth + 1) if isinstance(out, (str, dict)) else str(out)
        for each in filters:
            word, _, argument = each.partition(":")
            out = FILTERS[word](out, argument)
        return out
