"""The official Python MCP client as a peer: lists the tools of a stdio server and calls each once, by one protocol revision.

    python peer_client.py REVISION CALLS COMMAND [ARGUMENT..]

REVISION is `legacy` (initialize), `auto`, or a revision without it such as 2026-07-28. CALLS is a JSON object of arguments by
tool. Prints one JSON object: the revision agreed on, and of each tool its schema and the result's text and error mark.
"""
import asyncio
import json
import os
import sys

from mcp import Client, StdioServerParameters

READ_TIMEOUT_SECONDS = 120


async def main(revision, calls, command, *arguments):
    server = StdioServerParameters(command=command, args=list(arguments), env=dict(os.environ))
    async with Client(server, mode=revision, read_timeout_seconds=READ_TIMEOUT_SECONDS) as client:
        tools = (await client.list_tools()).tools
        report = {"revision": client.protocol_version, "tools": {}}
        for tool in tools:
            answer = {"schema": tool.input_schema}
            if tool.name in calls:
                result = await client.call_tool(tool.name, calls[tool.name])
                text = "\n".join(getattr(block, "text", "") for block in result.content)
                answer |= {"text": text, "is_error": bool(result.is_error)}
            report["tools"][tool.name] = answer
    print(json.dumps(report))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2]), *sys.argv[3:]))
