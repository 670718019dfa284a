"""A Pydantic AI agent: tools from an MCP server on stdio, the model at OPENAI_BASE_URL or ANTHROPIC_BASE_URL.

AGENT_MCP is the server's command (default `nucleus mcp`), AGENT_API is `chat`, `responses` or `anthropic`, AGENT_STREAM=1
streams. AGENT_SHELL=1 adds a shell that runs where the agent runs.
"""
import asyncio
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

from pydantic_ai import Agent
from pydantic_ai.mcp import load_mcp_toolsets
from pydantic_ai.usage import UsageLimits


def make_model(api):
    if api == "anthropic":
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        key = os.environ.get("ANTHROPIC_API_KEY", "placeholder")
        return AnthropicModel("fake-1", provider=AnthropicProvider(api_key=key, base_url=os.environ["ANTHROPIC_BASE_URL"]))
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    key = os.environ.get("OPENAI_API_KEY", "placeholder")
    kind = OpenAIResponsesModel if api == "responses" else OpenAIChatModel
    return kind("fake-1", provider=OpenAIProvider(api_key=key, base_url=os.environ["OPENAI_BASE_URL"]))


def mcp_toolsets(command):
    """Toolsets from a file in the usual `mcpServers` form, which is how this client is configured."""
    program, *arguments = shlex.split(command)
    env = {k: v for k, v in os.environ.items() if k.startswith("NUCLEUS_") or k in ("PATH", "HOME", "OPENAI_BASE_URL")}
    config = {"mcpServers": {"nucleus": {"command": program, "args": arguments, "env": env}}}
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory, "mcp.json")
        file.write_text(json.dumps(config), encoding="utf-8")
        return load_mcp_toolsets(str(file))


def shell(command: str) -> str:
    """Run a shell command where the agent runs."""
    done = subprocess.run(["/bin/bash", "-c", command], capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


async def watch(_, events):
    """Drains the events: a handler makes run() stream. run_stream() would end at the first text."""
    async for _ in events:
        pass


async def run(task):
    tools = [shell] if os.environ.get("AGENT_SHELL") == "1" else []
    model = make_model(os.environ.get("AGENT_API", "chat"))
    # By default the second result in a row that is an error, as a refusal is, ends the run.
    toolsets = mcp_toolsets(os.environ.get("AGENT_MCP", "nucleus mcp"))
    agent = Agent(model, tools=tools, toolsets=toolsets, retries=100)
    handler = watch if os.environ.get("AGENT_STREAM") == "1" else None
    async with agent:
        result = await agent.run(task, event_stream_handler=handler, usage_limits=UsageLimits(request_limit=100))
        return result.output


if __name__ == "__main__":
    print("FINAL:", asyncio.run(run(sys.argv[1])))
