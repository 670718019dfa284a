"""How each agent is started: its command, its environment and the host directories it must see, bare or inside the jail."""
import os
import pathlib
from collections import namedtuple

import install

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"

# views: host directories shown read-only in the jail. env: variables of the agent itself.
Launch = namedtuple("Launch", "argv env views")

SDK_APIS = {"oai": ("responses", "chat"), "pyd": ("chat", "responses", "anthropic")}


def names(everything):
    """Agents that run in every test run, or all of them."""
    sdk = [f"{name}-{api}" for name, apis in SDK_APIS.items() for api in apis]
    return ["mini", *sdk] + (["codex", "opencode"] if everything else [])


def version(agent):
    """The version of the client as it is pinned."""
    name = agent.partition("-")[0]
    packages = install.VENVS.get(name, install.NPM["clients"])
    found = [p for p in packages if name in SDK_APIS or name in p]
    return found[0].rpartition("=" if name in SDK_APIS else "@")[2] if found else "1"


def launch(agent, task, directory, mcp, shell=True):
    """The launch of an agent by name (`mini`, `oai[-API][-stream]`, `pyd[-API][-stream]`, `codex`, `opencode`)."""
    name, *options = agent.split("-")
    if name == "mini":
        argv = [PYTHON, str(HERE / "mini_agent.py"), "--mcp", mcp, *(["--shell"] if shell else []), task]
        return Launch(argv, {}, [HERE])
    env = {"AGENT_MCP": mcp, "AGENT_SHELL": "1" if shell else "0", "AGENT_STREAM": "1" if "stream" in options else "0"}
    if name in SDK_APIS:
        env["AGENT_API"] = next((o for o in options if o != "stream"), SDK_APIS[name][0])
        venv = install.venv(name)
        return Launch([str(venv / "bin/python"), str(HERE / f"{name}_agent.py"), task], env, [HERE, venv])
    if name in ("codex", "opencode"):
        modules = install.npm("clients")
        env["PATH"] = f"{modules / '.bin'}:{os.environ['PATH']}"
        return Launch([PYTHON, str(HERE / "launch_cli.py"), name, str(directory), task], env, [HERE, modules])
    raise SystemExit(f"unknown agent `{agent}`")


def jailed(nucleus, options, scene, model_socket, start, task):
    """The command that runs a launch inside a session. A variable of the agent's own goes through `env`, not the session.

    With `options.presets` the session configures and starts the agent of that name itself.
    """
    argv = [nucleus, "run", "--local", "--profile", options.profile, "--dir", str(scene.work)]
    argv += ["--model-socket", str(model_socket), "--task", task]
    for view in start.views:
        argv += ["--view-dir", str(view)]
    if options.presets:  # a model name that codex does not know gets it plain function tools
        return [*argv, "--agent", options.presets, "--model", "fake-1"]
    # PATH inside the jail is the session's: only the client's own directory is put before it, by `sh`.
    own = {key: value for key, value in start.env.items() if key != "PATH"}
    extra = start.env.get("PATH", "").partition(":")[0]
    prefix = ["/usr/bin/env", *(f"{key}={value}" for key, value in own.items())] if own else []
    if extra:
        prefix += ["/bin/sh", "-c", 'PATH="$0:$PATH" exec "$@"', extra]
    return [*argv, "--", *prefix, *start.argv]
