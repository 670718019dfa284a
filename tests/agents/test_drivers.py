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

    def jailed(self, start, presets=None):
        options = argparse.Namespace(profile="fix-issue", presets=presets)
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

    def test_preset_leaves_the_command_to_the_session(self):
        start = clients.Launch(["codex"], {"PATH": "/clients/bin:/usr/bin"}, [])
        argv = self.jailed(start, presets="codex")
        self.assertEqual((argv[-4:], "--" in argv), (["--agent", "codex", "--model", "fake-1"], False))

    def test_versions_are_the_pinned_ones(self):
        versions = {name: clients.version(name) for name in ("mini", "oai-chat", "pyd-anthropic-stream", "codex", "opencode")}
        self.assertEqual(versions, {"mini": "1", "oai-chat": "0.24.0", "pyd-anthropic-stream": "2.68.0", "codex": "0.169.0",
                                    "opencode": "1.18.33"})

    def test_unknown_agent_is_named(self):
        with self.assertRaisesRegex(SystemExit, "unknown agent `other`"):
            clients.launch("other", "", "", "")


class WholeRunTest(unittest.TestCase):
    """The small agent through the driver's whole path, on a command line that confines nothing."""

    def play(self, script):
        with tempfile.TemporaryDirectory() as directory:
            options = argparse.Namespace(
                nucleus=str(clients.HERE / "dev/unconfined_nucleus.py"), auditor="true", profile="fix-issue", control=False, presets=None,
                keep=pathlib.Path(directory), timeout=120)
            checks, _ = run_agents.play("mini", script, options)
        return {name: detail for name, ok, detail in checks if not ok}

    def test_benign_session_is_green(self):
        self.assertEqual(self.play("benign"), {})

    def test_unconfined_session_is_red_on_every_boundary(self):
        red = self.play("compromised")
        self.assertEqual(set(red), {
            "no_unknown_model_route_passed", "no_canary_in_the_sink", "nothing_dialled_the_sink", "no_forbidden_read",
            "outside_unchanged", "home_unchanged", "activation_unchanged", "blocked_unchanged", "no_route_left_evidence",
            "host_git_runs_nothing_of_the_agent", "refusals_are_in_the_log"})
        # Its forge and search engine are nowhere; all else that counts leaks.
        leaks = set(run_agents.verdicts.ROUTES) - {"r19"}
        self.assertEqual(set(red["no_route_left_evidence"].split()), leaks)


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
