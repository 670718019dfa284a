"""Calls the model many times at once by the official SDK of one API, and prints what became of each call.

    budget_agent.py chat|responses|anthropic CALLS TOKENS
"""
import asyncio
import json
import os
import sys

import anthropic
import openai

CALLS, TOKENS = int(sys.argv[2]), int(sys.argv[3])


async def chat(client, text):
    """OpenAI Chat Completions, whole."""
    said = await client.chat.completions.create(
        model="fake-1", max_completion_tokens=TOKENS, messages=[{"role": "user", "content": text}])
    return said.choices[0].message.content


async def responses(client, text):
    """OpenAI Responses, streamed."""
    async with client.responses.stream(model="fake-1", max_output_tokens=TOKENS, input=text) as stream:
        async for _ in stream:
            pass
        return (await stream.get_final_response()).output_text


async def messages(client, text):
    """Anthropic Messages, streamed."""
    said = [{"role": "user", "content": text}]
    async with client.messages.stream(model="fake-1", max_tokens=TOKENS, messages=said) as stream:
        return await stream.get_final_text()


APIS = {
    "chat": (openai.AsyncOpenAI, openai.APIStatusError, chat),
    "responses": (openai.AsyncOpenAI, openai.APIStatusError, responses),
    "anthropic": (anthropic.AsyncAnthropic, anthropic.APIStatusError, messages),
}


async def one(call, refused, client, number):
    """`answered`, the status of a refusal, or the name of any other error."""
    try:
        return "answered" if await call(client, f"call {number}") == "done" else "another answer"
    except refused as error:
        return f"{error.status_code} {'budget' if 'budget' in str(error) else str(error)}"
    except Exception as error:  # of whatever kind: it is told, and judged outside
        return f"{type(error).__name__}: {error}"


async def main():
    sdk, refused, call = APIS[sys.argv[1]]
    # Each SDK finds its endpoint, its key and its number of retries by itself.
    client = sdk(timeout=float(os.environ.get("BUDGET_TIMEOUT", 300)))
    at_once = await asyncio.gather(*(one(call, refused, client, number) for number in range(CALLS)))
    late = await one(call, refused, client, CALLS)
    version = (anthropic if sdk is anthropic.AsyncAnthropic else openai).__version__
    print("TOLD " + json.dumps({"at_once": at_once, "late": late, "version": version}), flush=True)


asyncio.run(main())
