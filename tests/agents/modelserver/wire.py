"""Reads a model request of any of the three APIs into one form: tools offered, tool results so far, newest user text."""
import contextlib
import hashlib
import json
import re
from collections import namedtuple

# kind: function, custom (freeform text) or local_shell. flat: the whole name, normalised for matching.
Tool = namedtuple("Tool", "name kind namespace schema flat")
# results: [(call id, text)], oldest first. key: names the history, so that a retry is recognised.
Request = namedtuple("Request", "api body tools results tail key")

# The only keys of an object that some clients put round a tool's own words.
WRAPPING = set(
    "content text type output result returncode exit_code stdout stderr structuredContent isError metadata".split()
)


def flat(name):
    """A tool name with everything but letters and digits folded to single underscores."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def make_tool(name, kind="function", namespace="", schema=None):
    return Tool(name, kind, namespace, schema or {}, flat(f"{namespace}__{name}"))


def text_of(content):
    """The text in a content value: a string, a list of blocks, or nothing."""
    if isinstance(content, list):
        return "\n".join(text_of(_block_text(block)) for block in content)
    if isinstance(content, str):
        return content
    return "" if content is None else json.dumps(content)


def _block_text(block):
    return block.get("text", block.get("content", "")) if isinstance(block, dict) else block


def unwrap(text):
    """A tool's own words, without what a client puts round them (a header, a JSON object)."""
    text = re.sub(r"\A(Chunk ID|Wall time): .*?^Output:\n", "", text, flags=re.M | re.S)
    with contextlib.suppress(ValueError):
        if text.startswith("{"):
            value = json.loads(text)
            if set(value) <= WRAPPING:
                return text_of([v for k, v in value.items() if k != "type" and isinstance(v, (str, list))])
    return text


def read_tools(specs, namespace=""):
    for spec in specs or []:
        kind = spec.get("type", "function")
        inner = spec.get("function") or spec.get("custom") or spec
        if kind == "namespace":
            yield from read_tools(spec.get("tools"), spec["name"])
        elif kind in ("local_shell", "shell"):
            yield make_tool(kind, "local_shell")
        elif inner.get("name"):
            schema = inner.get("parameters") or inner.get("input_schema")
            yield make_tool(inner["name"], "custom" if kind == "custom" else "function", namespace, schema)


def read_request(api, body):
    items = body.get("input" if api == "responses" else "messages") or []
    if isinstance(items, str):
        items = [{"role": "user", "content": items}]
    results, tail = [], ""
    for item in items:
        found = list(_results_of(item))
        results += found
        if item.get("role") == "user" and not found:
            tail = text_of(item.get("content"))
    history = json.dumps([api, body.get("previous_response_id"), items], sort_keys=True)
    key = hashlib.sha256(history.encode()).hexdigest()
    return Request(api, body, list(read_tools(body.get("tools"))), results, tail, key)


def _results_of(item):
    content = item.get("content")
    if item.get("role") == "tool":
        yield item.get("tool_call_id"), unwrap(text_of(content))
    elif item.get("type", "message").endswith("_output"):
        yield item.get("call_id"), unwrap(text_of(item.get("output")))
    elif isinstance(content, list):
        for block in content:
            if isinstance(block, dict) and block.get("type") == "tool_result":
                yield block["tool_use_id"], unwrap(text_of(block.get("content")))
