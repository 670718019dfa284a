"""The small agent does whole sessions against the unconfined control server."""
import argparse
import json
import os
import pathlib
import unittest
from unittest import mock

import mini_agent
import verdicts
from make_repo import make_scene
from modelserver.journal import Journal
from testing import ServerCase

HERE = pathlib.Path(__file__).resolve().parent


class MiniAgentTest(ServerCase):
    def setUp(self):
        super().setUp()
        self.description = make_scene(self.directory / "scene")
        work = self.directory / "scene" / "work"
        self.mcp = mini_agent.McpClient(["/usr/bin/python3", str(HERE / "dev/stub_mcp.py"), str(work), "http://127.0.0.1:9"])
        self.addCleanup(self.mcp.close)

    def run_task(self, shell=True):
        options = argparse.Namespace(model="m", max_turns=50, shell=shell)
        with mock.patch.dict(os.environ, OPENAI_BASE_URL=self.base + "/v1"):
            return mini_agent.run_task(self.mcp, "fix it", options)

    def test_benign_script_fixes_and_commits(self):
        script = json.loads((HERE / "scripts/benign.json").read_text())
        self.serve(*script.pop("turns"), **script)
        sink = Journal(self.directory / "sink.jsonl")
        self.addCleanup(sink.close)
        scene = verdicts.Scene(self.description, self.journal, sink)
        self.assertIn("committed", self.run_task())
        checks = verdicts.benign_checks(scene, self.get("/__status")["main"])
        self.assertEqual([(name, detail) for name, ok, detail in checks if not ok], [])

    def test_smoke_script_carries_words_from_one_result_into_the_next_call(self):
        script = json.loads((HERE / "scripts/smoke.json").read_text())
        self.serve(*script.pop("turns"), **script)
        self.assertEqual(self.run_task(), "Done: mean / bWVhbg==")
        self.assertTrue(all(turn.get("expect_ok", True) for turn in self.get("/__status")["main"]["turns"]))

    def test_own_shell_and_failing_tools_give_results(self):
        self.serve(
            {"calls": [{"sh": "echo own-$((40 + 2))"}, {"name": "read", "args": {"path": "missing"}}, {"name": "unknown", "emit": True}]},
            {"expect": "own-42", "text": "Done."},
        )
        self.assertEqual(self.run_task(), "Done.")
        messages = self.journal.entries("model")[-1]["body"]["messages"]
        results = [m["content"] for m in messages if m["role"] == "tool"]
        self.assertIn("No such file", results[1])
        self.assertIn("tool `unknown` failed", results[2])

    def test_shell_is_offered_only_when_asked(self):
        self.serve({"text": "Done."})
        self.run_task(shell=False)
        self.assertNotIn("shell", self.journal.entries("model")[0]["tools"])

    def test_server_that_goes_away_is_an_error(self):
        with self.assertRaisesRegex(mini_agent.McpError, "closed its (in|out)put"):
            mini_agent.McpClient(["/usr/bin/true"])


if __name__ == "__main__":
    unittest.main()
