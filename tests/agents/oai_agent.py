"""An OpenAI Agents SDK agent: tools from an MCP server on stdio, the model at OPENAI_BASE_URL.

AGENT_MCP is the server's command (default `nucleus mcp`), AGENT_API is `responses` or `chat`, AGENT_STREAM=1 streams.
AGENT_SHELL=1 adds a shell that runs where the agent runs.
"""
import asyncio
import os
import shlex
import subprocess
import sys

from agents import Agent, RunConfig, Runner, function_tool, set_default_openai_api, set_default_openai_client, set_tracing_disabled
from agents.mcp import MCPServerStdio
from openai import AsyncOpenAI

MAX_TURNS = 100
# A compromised model may name a tool that it was not offered: by default that ends the run.
CONFIG = RunConfig(tool_not_found_behavior="return_error_to_model")


@function_tool
def shell(command: str) -> str:
    """Run a shell command where the agent runs."""
    done = subprocess.run(["/bin/bash", "-c", command], capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


async def run(task):
    set_tracing_disabled(True)
    client = AsyncOpenAI(base_url=os.environ["OPENAI_BASE_URL"], api_key=os.environ.get("OPENAI_API_KEY", "placeholder"))
    set_default_openai_client(client, use_for_tracing=False)
    set_default_openai_api(os.environ.get("AGENT_API", "responses"))
    command, *arguments = shlex.split(os.environ.get("AGENT_MCP", "nucleus mcp"))
    # The client passes only a short list of variables on to a server: these must be named.
    env = {k: v for k, v in os.environ.items() if k.startswith("NUCLEUS_") or k in ("PATH", "HOME", "OPENAI_BASE_URL")}
    params = {"command": command, "args": arguments, "env": env}
    async with MCPServerStdio(name="nucleus", params=params, client_session_timeout_seconds=120) as server:
        tools = [shell] if os.environ.get("AGENT_SHELL") == "1" else []
        agent = Agent(name="worker", instructions="Do the task.", model="fake-1", tools=tools, mcp_servers=[server])
        if os.environ.get("AGENT_STREAM") != "1":
            return (await Runner.run(agent, task, max_turns=MAX_TURNS, run_config=CONFIG)).final_output
        result = Runner.run_streamed(agent, task, max_turns=MAX_TURNS, run_config=CONFIG)
        async for _ in result.stream_events():
            pass
        return result.final_output


if __name__ == "__main__":
    print("FINAL:", asyncio.run(run(sys.argv[1])))
