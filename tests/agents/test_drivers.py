"""The drivers build the commands and judge the answers they say they do; nothing here installs or runs a client."""
import argparse
import pathlib
import tempfile
import types
import unittest
from unittest import mock

import clients
import install
import peers
import run_agents


class JailedCommandTest(unittest.TestCase):
    SCENE = types.SimpleNamespace(work=pathlib.Path("/scene/work"))

    def jailed(self, start):
        options = argparse.Namespace(profile="fix-issue")
        return clients.jailed("/bin/nucleus", options, self.SCENE, "/scene/model.sock", start, "the task")

    def test_session_flags_come_before_the_agents_command(self):
        argv = self.jailed(clients.launch("mini", "the task", "/scene/work", "nucleus mcp"))
        session, agent = argv[: argv.index("--")], argv[argv.index("--") + 1 :]
        self.assertEqual(session[:3], ["/bin/nucleus", "run", "--local"])
        flags = dict(zip(session[3::2], session[4::2]))
        self.assertEqual(flags, {"--profile": "fix-issue", "--dir": "/scene/work", "--model-socket": "/scene/model.sock",
                                 "--task": "the task", "--view-dir": str(clients.HERE)})
        self.assertEqual(agent[0], clients.PYTHON)

    def test_variables_and_path_of_the_agent_are_set_inside(self):
        start = clients.Launch(["codex"], {"AGENT_API": "chat", "PATH": "/clients/bin:/usr/bin"}, [])
        argv = self.jailed(start)
        inside = argv[argv.index("--") + 1 :]
        self.assertEqual(inside[:2], ["/usr/bin/env", "AGENT_API=chat"])
        self.assertEqual(inside[2:], ["/bin/sh", "-c", 'PATH="$0:$PATH" exec "$@"', "/clients/bin", "codex"])

    def test_unknown_agent_is_named(self):
        with self.assertRaisesRegex(SystemExit, "unknown agent `other`"):
            clients.launch("other", "", "", "")


class PublicCacheTest(unittest.TestCase):
    def test_cache_behind_a_private_directory_is_copied(self):
        with tempfile.TemporaryDirectory() as directory:  # made with mode 0700
            cache = pathlib.Path(directory, "cache")
            (cache / "venv-oai").mkdir(parents=True)
            (cache / "venv-pyd").mkdir()
            with mock.patch.object(install, "CACHE", cache):
                copy = run_agents.public_cache({"venv-oai"}, pathlib.Path(directory, "copy"))
            self.assertEqual([p.name for p in copy.iterdir()], ["venv-oai"])

    def test_public_cache_is_used_in_place(self):
        with mock.patch.object(install, "CACHE", pathlib.Path("/usr/share")):
            self.assertEqual(run_agents.public_cache(set(), None), pathlib.Path("/usr/share"))


class PeerJudgementTest(unittest.TestCase):
    def test_arguments_follow_the_tools_own_schema(self):
        schema = {"properties": {"file_path": {"type": "string"}}}
        self.assertEqual(peers.arguments_for("read", schema), {"file_path": "README.md"})
        schema = {"properties": {"argv": {"type": "array"}}}
        self.assertEqual(peers.arguments_for("run", schema)["argv"][0], "python3")
        self.assertEqual(peers.arguments_for("git_push", {"properties": {}, "type": "object"}), {})

    def test_call_that_must_succeed_is_judged_by_its_text_and_mark(self):
        self.assertTrue(peers.judge_call("glob", "stats.py", False))
        self.assertFalse(peers.judge_call("glob", "stats.py", True))
        self.assertFalse(peers.judge_call("glob", "other.py", False))

    def test_refusal_must_say_something(self):
        self.assertTrue(peers.judge_call("git_push", "needs approval", True))
        self.assertFalse(peers.judge_call("git_push", "", True))

    def test_every_call_with_a_required_answer_exists(self):
        self.assertLessEqual(set(peers.SAYS), set(peers.CALLS))


class ControlChecksTest(unittest.TestCase):
    def test_contained_control_is_red_on_every_route(self):
        stage = types.SimpleNamespace(scene=None, status=dict)
        names = ("script_played_to_its_end", "every_expect_met", "the_agent_could_work", "nothing_dialled_the_sink")
        with mock.patch.multiple(run_agents.verdicts, evidence=lambda _: set(),
                                 compromised_checks=lambda *_: [(name, True, "") for name in names]):
            checks = {name: ok for name, ok, _ in run_agents.control_checks(stage)}
        red = {name for name, ok in checks.items() if not ok}
        self.assertEqual(red, {f"control_{r}_leaks" for r in run_agents.verdicts.ROUTES} | {"control_nothing_dialled_the_sink_is_red"})


if __name__ == "__main__":
    unittest.main()
