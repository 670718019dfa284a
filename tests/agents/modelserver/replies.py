"""Writes a reply in each provider's form, as one body and as the list of events of its stream."""
import itertools
import json
import os
import re
import time

PIECE = re.compile(r".{1,24}", re.S)  # streamed text goes out in pieces of this many characters


def chat(reply, model):
    """OpenAI Chat Completions."""
    usage, finish = _chat_usage(reply.usage), "tool_calls" if reply.calls else "stop"
    wire_calls = [_chat_call(call) for call in reply.calls]
    base = {"id": _id("chatcmpl-"), "created": int(time.time()), "model": model, "object": "chat.completion"}
    message = {"role": "assistant", "content": reply.text or None}
    if wire_calls:
        message["tool_calls"] = [whole for whole, _, _ in wire_calls]
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    body = {**base, "usage": usage, "choices": [choice]}
    base["object"] = "chat.completion.chunk"

    def chunk(delta, end=None):
        return None, {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": end}]}

    events = [chunk({"role": "assistant", "content": ""})]
    events += [chunk({"content": piece}) for piece in PIECE.findall(reply.text)]
    for index, ((whole, kind, arg), call) in enumerate(zip(wire_calls, reply.calls)):
        events.append(chunk({"tool_calls": [{"index": index, **whole, kind: {**whole[kind], arg: ""}}]}))
        events += [chunk({"tool_calls": [{"index": index, kind: {arg: p}}]}) for p in PIECE.findall(call.text)]
    events += [chunk({}, finish), (None, {**base, "choices": [], "usage": usage}), (None, "[DONE]")]
    return body, events


def _chat_call(call):
    kind, arg = ("custom", "input") if call.tool.kind == "custom" else ("function", "arguments")
    return {"id": call.id, "type": kind, kind: {"name": call.tool.name, arg: call.text}}, kind, arg


def _chat_usage(usage):
    return {
        "prompt_tokens": usage["input"],
        "completion_tokens": usage["output"],
        "total_tokens": usage["input"] + usage["output"],
        "prompt_tokens_details": {"cached_tokens": usage["cached"]},
        "completion_tokens_details": {"reasoning_tokens": usage["reasoning"]},
    }


class _ResponsesStream:
    """The output items of one OpenAI response and the events that announce them, numbered."""

    def __init__(self):
        self.output, self.events, self._numbers = [], [], itertools.count()

    def emit(self, kind, **data):
        self.events.append((kind, {"type": kind, "sequence_number": next(self._numbers), **data}))

    def add(self, item, empty, deltas):
        index = len(self.output)
        self.emit("response.output_item.added", output_index=index, item={**item, **empty})
        for kind, data in deltas:
            self.emit(kind, output_index=index, item_id=item["id"], **data)
        self.emit("response.output_item.done", output_index=index, item=item)
        self.output.append(item)


def responses(reply, model):
    """OpenAI Responses."""
    stream = _ResponsesStream()
    base = {
        "id": _id("resp_"), "object": "response", "created_at": int(time.time()), "model": model, "error": None,
        "incomplete_details": None, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
    }
    for kind in ("response.created", "response.in_progress"):
        stream.emit(kind, response={**base, "status": "in_progress", "output": [], "usage": None})
    if reply.text:
        stream.add(*_response_text(reply.text))
    for call in reply.calls:
        stream.add(*_response_call(call))
    usage = _responses_usage(reply.usage)
    body = {**base, "status": "completed", "output": stream.output, "usage": usage}
    stream.emit("response.completed", response=body)
    return body, stream.events


def _response_text(text):
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    item = {"id": _id("msg_"), "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    deltas = [("content_part.added", {"part": {**part, "text": ""}})]
    deltas += [("output_text.delta", {"delta": piece, "logprobs": []}) for piece in PIECE.findall(text)]
    deltas += [("output_text.done", {"text": text, "logprobs": []}), ("content_part.done", {"part": part})]
    events = [("response." + kind, {"content_index": 0, **data}) for kind, data in deltas]
    return item, {"status": "in_progress", "content": []}, events


def _response_call(call):
    item = {"id": _id("fc_"), "call_id": call.id, "status": "completed"}
    if call.tool.kind == "local_shell":
        action = {"type": "exec", "env": {}, **call.args}
        return {**item, "type": "local_shell_call", "action": action}, {}, []
    kind, arg = ("custom_tool_call", "input") if call.tool.kind == "custom" else ("function_call", "arguments")
    item |= {"type": kind, "name": call.tool.name, arg: call.text}
    if call.tool.namespace:
        item["namespace"] = call.tool.namespace
    stem = f"response.{kind}_{arg}"
    deltas = [(stem + ".delta", {"delta": piece}) for piece in PIECE.findall(call.text)]
    return item, {"status": "in_progress", arg: ""}, [*deltas, (stem + ".done", {"name": call.tool.name, arg: call.text})]


def _responses_usage(usage):
    return {
        "input_tokens": usage["input"],
        "output_tokens": usage["output"],
        "total_tokens": usage["input"] + usage["output"],
        "input_tokens_details": {"cached_tokens": usage["cached"], "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": usage["reasoning"]},
    }


def messages(reply, model):
    """Anthropic Messages."""
    stop = "tool_use" if reply.calls else "end_turn"
    blocks = [{"type": "text", "text": reply.text}] if reply.text else []
    blocks += [{"type": "tool_use", "id": c.id, "name": c.tool.name, "input": c.args} for c in reply.calls]
    usage = {
        "input_tokens": reply.usage["input"],
        "output_tokens": reply.usage["output"],
        "cache_read_input_tokens": reply.usage["cached"],
        "cache_creation_input_tokens": 0,
    }
    body = {
        "id": _id("msg_"), "type": "message", "role": "assistant", "model": model, "content": blocks,
        "stop_reason": stop, "stop_sequence": None, "usage": usage,
    }
    started = {**body, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    events = [("message_start", {"message": started})]
    for index, block in enumerate(blocks):
        events += _block_events(index, block)
    events.append(("message_delta", {"delta": {"stop_reason": stop, "stop_sequence": None}, "usage": usage}))
    events.append(("message_stop", {}))
    return body, [(kind, {"type": kind, **data}) for kind, data in events]


def _block_events(index, block):
    is_text = block["type"] == "text"
    empty = {**block, **({"text": ""} if is_text else {"input": {}})}
    yield "content_block_start", {"index": index, "content_block": empty}
    for piece in PIECE.findall(block["text"] if is_text else json.dumps(block["input"])):
        delta = {"type": "text_delta", "text": piece} if is_text else {"type": "input_json_delta", "partial_json": piece}
        yield "content_block_delta", {"index": index, "delta": delta}
    yield "content_block_stop", {"index": index}


def _id(prefix):
    return prefix + os.urandom(8).hex()
