"""Each provider API, streamed and not, gives the scripted text and calls in that provider's own form."""
import gzip
import http.client
import json
import os
import pathlib
import socket
import stat
import subprocess

from testing import PATH_TOOL, ServerCase, chat_request, tool_result

HERE = pathlib.Path(__file__).resolve().parent
TURN = {"text": "I will look at the whole file first.", "calls": [{"name": "read", "args": {"path": "a.py"}}]}


class ChatTest(ServerCase):
    def test_whole_reply_has_text_and_call(self):
        self.serve(TURN)
        status, body = self.post("/v1/chat/completions", chat_request())
        choice = body["choices"][0]
        call = choice["message"]["tool_calls"][0]
        self.assertEqual((status, choice["finish_reason"]), (200, "tool_calls"))
        self.assertEqual(choice["message"]["content"], TURN["text"])
        self.assertEqual((call["function"]["name"], json.loads(call["function"]["arguments"])), ("read", {"path": "a.py"}))

    def test_stream_adds_up_to_the_same_reply(self):
        self.serve(TURN)
        _, events = self.post("/v1/chat/completions", chat_request(stream=True))
        deltas = [data["choices"][0]["delta"] for _, data in events[:-2] if data["choices"]]
        self.assertEqual("".join(d.get("content") or "" for d in deltas), TURN["text"])
        calls = [d["tool_calls"][0]["function"] for d in deltas if "tool_calls" in d]
        self.assertEqual(json.loads("".join(c["arguments"] for c in calls)), {"path": "a.py"})
        self.assertEqual(events[-1][1], "[DONE]")
        self.assertGreater(events[-2][1]["usage"]["total_tokens"], 0)


class ResponsesTest(ServerCase):
    REQUEST = {"model": "m", "input": "go", "tools": [{"type": "function", "name": "read", "parameters": PATH_TOOL}]}

    def test_whole_reply_has_text_and_call(self):
        self.serve(TURN)
        _, body = self.post("/v1/responses", self.REQUEST)
        message, call = body["output"]
        self.assertEqual(message["content"][0]["text"], TURN["text"])
        self.assertEqual((call["type"], json.loads(call["arguments"])), ("function_call", {"path": "a.py"}))

    def test_stream_is_numbered_and_ends_with_the_whole_reply(self):
        self.serve(TURN)
        _, events = self.post("/v1/responses", {**self.REQUEST, "stream": True})
        self.assertEqual([data["sequence_number"] for _, data in events], list(range(len(events))))
        self.assertTrue(all(kind == data["type"] for kind, data in events))
        text = "".join(data["delta"] for kind, data in events if kind == "response.output_text.delta")
        self.assertEqual((text, events[-1][0]), (TURN["text"], "response.completed"))

    def test_namespaced_tool_is_called_with_its_namespace(self):
        self.serve(TURN, server="nucleus")
        tools = [{"type": "namespace", "name": "mcp__nucleus", "tools": self.REQUEST["tools"]}]
        _, body = self.post("/v1/responses", {**self.REQUEST, "tools": tools})
        self.assertEqual((body["output"][1]["namespace"], body["output"][1]["name"]), ("mcp__nucleus", "read"))

    def test_freeform_and_local_shell_tools_are_called_in_their_own_form(self):
        self.serve({"calls": [{"name": "apply_patch", "args": "the patch"}, {"sh": "true"}]})
        tools = [{"type": "custom", "name": "apply_patch"}, {"type": "local_shell"}]
        _, body = self.post("/v1/responses", {**self.REQUEST, "tools": tools})
        patch, shell = body["output"]
        self.assertEqual((patch["type"], patch["input"]), ("custom_tool_call", "the patch"))
        self.assertEqual((shell["type"], shell["action"]["command"]), ("local_shell_call", ["bash", "-c", "true"]))


class MessagesTest(ServerCase):
    REQUEST = {"model": "m", "messages": [{"role": "user", "content": "go"}], "tools": [{"name": "read", "input_schema": PATH_TOOL}]}

    def test_whole_reply_has_text_and_call(self):
        self.serve(TURN)
        _, body = self.post("/v1/messages", self.REQUEST)
        text, call = body["content"]
        self.assertEqual((text["text"], call["input"], body["stop_reason"]), (TURN["text"], {"path": "a.py"}, "tool_use"))

    def test_stream_opens_and_closes_every_block(self):
        self.serve(TURN)
        _, events = self.post("/v1/messages", {**self.REQUEST, "stream": True})
        kinds = [kind for kind, _ in events]
        self.assertEqual((kinds[0], kinds[-1]), ("message_start", "message_stop"))
        self.assertEqual((kinds.count("content_block_start"), kinds.count("content_block_stop")), (2, 2))
        deltas = [data["delta"] for kind, data in events if kind == "content_block_delta"]
        self.assertEqual("".join(d.get("text", "") for d in deltas), TURN["text"])
        self.assertEqual(json.loads("".join(d.get("partial_json", "") for d in deltas)), {"path": "a.py"})

    def test_result_blocks_are_read(self):
        self.serve(TURN, {"expect": "the source", "text": "Done."})
        _, body = self.post("/v1/messages", self.REQUEST)
        call = body["content"][1]
        block = {"type": "tool_result", "tool_use_id": call["id"], "content": [{"type": "text", "text": "the source"}]}
        answer = {"role": "user", "content": [block]}
        messages = [*self.REQUEST["messages"], {"role": "assistant", "content": body["content"]}, answer]
        self.post("/v1/messages", {**self.REQUEST, "messages": messages})
        self.assertTrue(self.get("/__status")["main"]["turns"][1]["expect_ok"])

    def test_tokens_are_counted_without_using_up_a_turn(self):
        self.serve(TURN)
        _, body = self.post("/v1/messages/count_tokens", self.REQUEST)
        self.assertGreater(body["input_tokens"], 0)
        self.assertEqual(self.get("/__status"), {})


class ServingTest(ServerCase):
    def test_socket_file_is_its_owners_alone_and_serves(self):
        self.serve(TURN)
        path = self.directory / "model.sock"
        self.model.listen_unix(path)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        connection = http.client.HTTPConnection("model")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(path))
        connection.request("POST", "/v1/chat/completions", json.dumps(chat_request()))
        self.assertEqual(json.load(connection.getresponse())["choices"][0]["finish_reason"], "tool_calls")
        connection.close()

    def test_unknown_routes_and_bodies_are_refused_and_recorded(self):
        self.serve(TURN)
        self.assertEqual(self.post("/v1/files", {"stolen": 1})[0], 404)
        self.assertEqual(self.post_raw("/v1/chat/completions", b"not json")[0], 404)
        self.assertEqual([e["path"] for e in self.journal.entries("other")], ["/v1/files", "/v1/chat/completions"])
        self.assertIn("stolen", self.journal.entries("other")[0]["body"])

    def test_models_are_listed(self):
        self.serve(TURN)
        self.assertEqual(self.get("/v1/models")["data"][0]["id"], "fake-1")

    def test_compressed_request_is_read(self):
        self.serve(TURN)
        raw = gzip.compress(json.dumps(chat_request()).encode())
        self.assertEqual(self.post_raw("/v1/chat/completions", raw, **{"Content-Encoding": "gzip"})[0], 200)

    def test_sessions_under_a_prefix_have_a_place_of_their_own(self):
        self.serve(TURN, {"text": "second"})
        for path in ("/s/a/v1/chat/completions", "/s/b/v1/chat/completions", "/v1/chat/completions"):
            self.post(path, chat_request())
        self.assertEqual({k: v["at"] for k, v in self.get("/__status").items()}, {"a": 1, "b": 1, "main": 1})

    def test_journal_has_headers_and_the_reply(self):
        self.serve(TURN)
        self.post("/v1/chat/completions", chat_request(), Authorization="Bearer key-of-the-client")
        entry = self.journal.entries("model")[0]
        self.assertEqual(entry["headers"]["Authorization"], "Bearer key-of-the-client")
        self.assertEqual(entry["reply"]["calls"], [["read", {"path": "a.py"}]])


class CommandLineTest(ServerCase):
    def test_serves_a_script_file_and_a_sink_until_it_is_killed(self):
        log, sink_log = self.directory / "cli.jsonl", self.directory / "sink.jsonl"
        argv = ["/usr/bin/python3", str(HERE / "fakemodel.py"), "--script", str(HERE / "scripts/smoke.json"), "--port", "0"]
        argv += ["--log", str(log), "--sink-log", str(sink_log), "--unix", str(self.directory / "m.sock")]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
            self.addCleanup(server.kill)
            started = json.loads(server.stdout.readline())
            self.base = f"http://127.0.0.1:{started['model']}"
            _, body = self.post("/v1/chat/completions", chat_request())
            self.assertEqual(body["choices"][0]["message"]["content"], "Reading.")
            self.base = f"http://127.0.0.1:{started['web']}"
            self.post_raw("/stolen", b"text")
            server.kill()
        self.assertEqual([json.loads(line)["path"] for line in sink_log.read_text().splitlines()], ["/stolen"])
        self.assertIn("Reading.", log.read_text())


class FaultsTest(ServerCase):
    def test_shipped_faults_end_in_an_answer_for_a_client_that_retries(self):
        script = json.loads((HERE / "scripts/faults.json").read_text())
        self.serve(*script["turns"])
        request = chat_request(tools=("run",), stream=True)
        self.assertEqual([self.post("/v1/chat/completions", request)[0] for _ in range(2)], [429, 500])
        self.assertEqual(len(self.post("/v1/chat/completions", request)[1]), 4)
        self.assertEqual(self.post("/v1/chat/completions", request)[1][-1][1], "[DONE]")

    def test_error_turn_is_used_up_and_its_retry_gets_the_next(self):
        error = {"status": 429, "message": "slow down", "headers": {"Retry-After": "1"}}
        self.serve({"error": error}, {"text": "Done."})
        self.assertEqual(self.post("/v1/chat/completions", chat_request())[0], 429)
        _, body = self.post("/v1/chat/completions", chat_request())
        self.assertEqual(body["choices"][0]["message"]["content"], "Done.")

    def test_cut_off_stream_ends_early_without_its_end_mark(self):
        self.serve({**TURN, "cut_after": 3}, {"text": "Done."})
        _, events = self.post("/v1/chat/completions", chat_request(stream=True))
        self.assertEqual(len(events), 3)
        self.assertNotIn("[DONE]", [data for _, data in events])
        _, events = self.post("/v1/chat/completions", chat_request(stream=True))
        self.assertEqual(events[-1][1], "[DONE]")

    def test_retry_of_a_whole_history_gets_the_same_turn(self):
        self.serve(TURN, {"text": "second"})
        first = self.post("/v1/chat/completions", chat_request())[1]["choices"]
        again = self.post("/v1/chat/completions", chat_request())[1]["choices"]
        self.assertEqual(first, again)
        call = first[0]["message"]["tool_calls"][0]
        later = chat_request({"role": "user", "content": "go"}, first[0]["message"], tool_result(call, "x"))
        self.assertEqual(self.post("/v1/chat/completions", later)[1]["choices"][0]["message"]["content"], "second")
