#!/usr/bin/python3
"""Configures Codex CLI or opencode in the present home for this session's model and MCP server, then becomes it.

    launch_cli.py codex|opencode DIRECTORY TASK

Both keep their built-in tools: what those can do is up to the place that the client runs in.
"""
import json
import os
import pathlib
import shlex
import sys

HERE = pathlib.Path(__file__).resolve().parent
QUIET_OPENCODE = (
    "OPENCODE_DISABLE_MODELS_FETCH OPENCODE_DISABLE_AUTOUPDATE OPENCODE_DISABLE_LSP_DOWNLOAD"
    " OPENCODE_DISABLE_DEFAULT_PLUGINS OPENCODE_EXPERIMENTAL_DISABLE_FILEWATCHER"
).split()


def write_config(template, target):
    program, *arguments = shlex.split(os.environ.get("AGENT_MCP", "nucleus mcp"))
    values = {
        "@OPENAI_BASE_URL@": os.environ["OPENAI_BASE_URL"],
        "@MCP_PROGRAM@": program,
        "@MCP_ARGUMENTS@": json.dumps(arguments),
        "@MCP_COMMAND@": json.dumps([program, *arguments]),
    }
    text = (HERE / "config" / template).read_text(encoding="utf-8")
    for hole, value in values.items():
        text = text.replace(hole, value)
    path = pathlib.Path(os.environ["HOME"], target)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main(client, directory, task):
    devnull = os.open(os.devnull, os.O_RDONLY)
    os.dup2(devnull, 0)  # codex waits for more of the prompt on an open pipe
    if not os.path.isdir(directory):  # inside a session the agent may see no workspace: its tools do
        directory = os.getcwd()
    if client == "codex":
        write_config("codex.toml", ".codex/config.toml")
        os.execvp("codex", ["codex", "exec", "--json", "-C", directory, "--skip-git-repo-check", task])
    if client == "opencode":
        write_config("opencode.json", ".config/opencode/opencode.json")
        os.environ.update(dict.fromkeys(QUIET_OPENCODE, "1"))
        os.execvp("opencode", ["opencode", "run", "--pure", "--format", "json", "--dir", directory, task])
    raise SystemExit(f"unknown client `{client}`")


if __name__ == "__main__":
    main(*sys.argv[1:])
