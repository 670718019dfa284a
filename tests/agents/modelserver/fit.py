"""Fits a scripted call to the tool a client really offers: finds it by suffix, then spells its arguments as its schema does."""
import shlex

from .wire import flat

SHELLS = "exec_command shell_command local_shell shell bash run_command run_shell execute terminal".split()
COMMAND_KEYS = ("argv", "cmd", "command", "script", "input")

# One row per meaning: the spellings that tools use for the same argument.
SAME_MEANING = [
    {"path", "file_path", "filepath", "file", "filename"},
    {"old", "old_string", "oldstring", "old_text", "oldtext", "find"},
    {"new", "new_string", "newstring", "new_text", "newtext", "replace"},
    {"content", "contents", "text", "body"},
    {"pattern", "query", "regex"},
    {"message", "msg"},
    {"remote", "url", "repository"},
    {"branch", "refspec", "ref", "head"},
    {"paths", "files"},
]


def find_tool(names, tools, server=None):
    """The offered tool for the first of `names` that matches; a tool of `server` is preferred to the client's own."""
    for name in names:
        for wanted in ([flat(f"{server}_{name}")] if server else []) + [flat(name)]:
            found = [t for t in tools if t.flat == wanted or t.flat.endswith("_" + wanted)]
            if found:
                return min(found, key=lambda t: len(t.flat))
    return None


def spell_arguments(args, tool):
    """The same arguments under the names that the tool's schema has; `?name` is left out where the schema has no such name."""
    if not isinstance(args, dict):
        return args
    known = tool.schema.get("properties", {})
    spelled = {}
    for key, value in args.items():
        name = _spell(key.removeprefix("?"), known, args)
        if name in known or not key.startswith("?"):
            spelled[name] = value
    return spelled


def _spell(key, known, taken):
    if not known or key in known:
        return key
    same = next((row for row in SAME_MEANING if key.lower() in row), set())
    return next((k for k in known if k.lower() in same and k not in taken), key)


def command_arguments(argv, tool):
    """Arguments that make the tool run `argv`, whether it takes an array or a command line."""
    if tool.kind == "local_shell":
        return {"command": list(argv)}
    known = tool.schema.get("properties", {})
    key = next((k for k in COMMAND_KEYS if k in known), "command")
    args = {key: list(argv) if _takes_array(known.get(key, {})) else shlex.join(argv)}
    for name in tool.schema.get("required", []):  # strict schemas want every field
        args.setdefault(name, _filler(known.get(name, {})))
    return args


def shell_arguments(command, tool):
    """Arguments that make the tool run a shell command line."""
    known = tool.schema.get("properties", {})
    key = next((k for k in COMMAND_KEYS if k in known), "command")
    argv = ["bash", "-c", command]
    args = command_arguments(argv, tool)
    if tool.kind != "local_shell" and not _takes_array(known.get(key, {})):
        args[key] = command
    return args


def _takes_array(schema):
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return "array" in kinds or any(_takes_array(s) for s in schema.get("anyOf", []))


def _filler(schema):
    kinds = schema.get("type")
    kind = kinds[0] if isinstance(kinds, list) else kinds
    return {"string": "run", "integer": 60000, "number": 60000, "boolean": False, "array": []}.get(kind)
