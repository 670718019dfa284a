"""Scripts: templates, captures, expectations, and calls fitted to the tools that a client offers."""
import json
import unittest

from modelserver import fit
from modelserver.play import Session
from modelserver.wire import Request, flat, make_tool, read_request, unwrap
from testing import chat_request, tool_result

ARGV = {"properties": {"argv": {"type": "array"}}}
TOOLS = [make_tool("read"), make_tool("run", schema=ARGV)]


def ask(results=(), tools=TOOLS, tail="", key=None):
    return Request("chat", {}, tools, list(results), tail, key or str(results))


def play(*turns, **script):
    return Session({**script, "turns": list(turns)}, {})


class TemplateTest(unittest.TestCase):
    def render(self, text, results=(), **variables):
        return Session({"turns": [], "vars": variables}, {}).render(text, ask(results, tail="the tail"))

    def test_filters_apply_in_order(self):
        self.assertEqual(self.render("{{v|strip|b64}} {{v|strip|hex}} {{w|url}}", v=" ab ", w="a b/"), "YWI= 6162 a%20b%2F")
        self.assertEqual(self.render("{{v|line:2|head:3}}", v="one\nsecond"), "sec")
        self.assertEqual(self.render("{{v|json}}", v='say "x"'), '"say \\"x\\""')

    def test_variables_may_hold_templates_of_others(self):
        self.assertEqual(self.render("{{outer}}", outer="<{{inner}}>", inner="x"), "<x>")

    def test_endless_nesting_is_refused(self):
        with self.assertRaisesRegex(ValueError, "nested too deep"):
            self.render("{{loop}}", loop="{{loop}}")

    def test_lines_become_one_text(self):
        self.assertEqual(self.render({"lines": ["a {{v}}", "b"]}, v="1"), "a 1\nb\n")

    def test_script_variables_yield_to_given_ones(self):
        session = Session({"turns": [], "vars": {"WORK": "/old"}}, {"WORK": "/new"})
        self.assertEqual(session.render("{{WORK}}", ask()), "/new")

    def test_last_result_without_a_call_is_the_newest_user_text(self):
        self.assertEqual(self.render("{{last_result}}"), "the tail")


class TurnTest(unittest.TestCase):
    def test_capture_searches_newest_results_first(self):
        session = play({"capture": {"word": "is (\\w+)"}, "text": "{{word}}"})
        self.assertEqual(session.next(ask([("1", "it is old"), ("2", "it is new")])).text, "new")

    def test_expect_is_judged_on_the_turn_before_and_noted(self):
        session = play({"calls": [{"name": "read", "id": "r"}]}, {"expect": "^found$", "text": "a"}, {"expect": "absent", "text": "b"})
        call = session.next(ask()).calls[0]
        session.next(ask([(call.id, "x\nfound")]))
        session.next(ask([(call.id, "x\nfound"), ("9", "y")]))
        self.assertEqual([note.get("expect_ok") for note in session.notes], [None, True, False])

    def test_result_by_tag(self):
        session = play({"calls": [{"name": "read", "id": "secret"}]}, {"text": "{{result:secret|strip}}"})
        call = session.next(ask()).calls[0]
        self.assertEqual(session.next(ask([(call.id, " x "), ("other", "y")])).text, "x")

    def test_request_without_tools_uses_up_no_turn(self):
        session = play({"text": "first"}, aside="a title")
        self.assertEqual(session.next(ask(tools=[], key="t")).text, "a title")
        self.assertEqual((session.at, session.next(ask()).text), (0, "first"))

    def test_turn_that_no_tool_fits_is_skipped_and_noted(self):
        session = play({"calls": [{"name": "missing"}]}, {"text": "next"})
        self.assertEqual(session.next(ask()).text, "next")
        self.assertEqual(session.notes[0]["unresolved"], [{"name": "missing"}])

    def test_emit_calls_a_tool_that_is_not_offered(self):
        session = play({"calls": [{"name": "web_fetch", "args": {"url": "u"}, "emit": True}]})
        self.assertEqual(session.next(ask()).calls[0].tool.name, "web_fetch")

    def test_any_takes_the_first_that_fits(self):
        session = play({"calls": [{"any": [{"name": "missing"}, {"name": "read"}, {"run": ["true"]}]}]})
        self.assertEqual([c.tool.name for c in session.next(ask()).calls], ["read"])

    def test_finished_script_says_so(self):
        session = play(end="over")
        self.assertEqual(session.next(ask()).text, "over")


class FitTest(unittest.TestCase):
    def test_tool_is_found_by_suffix_of_its_normalised_name(self):
        tools = [make_tool("fs_Read"), make_tool("thread"), make_tool("read", namespace="mcp__fs")]
        self.assertEqual(fit.find_tool(["read"], tools).flat, "fs_read")
        self.assertIsNone(fit.find_tool(["ead"], tools))

    def test_tool_of_the_server_is_preferred_to_a_builtin(self):
        tools = [make_tool("read"), make_tool("nucleus_read")]
        self.assertEqual(fit.find_tool(["read"], tools, "nucleus").name, "nucleus_read")
        self.assertEqual(fit.find_tool(["read"], tools).name, "read")
        self.assertEqual(fit.find_tool(["read"], tools[:1], "nucleus").name, "read")

    def test_arguments_are_spelled_as_the_schema_has_them(self):
        tool = make_tool("edit", schema={"properties": {"file_path": {}, "old_string": {}, "newString": {}}})
        args = fit.spell_arguments({"path": "p", "old": "o", "new": "n", "?paths": [], "extra": 1}, tool)
        self.assertEqual(args, {"file_path": "p", "old_string": "o", "newString": "n", "extra": 1})

    def test_command_is_an_array_or_a_quoted_line(self):
        line = make_tool("run", schema={"properties": {"command": {"type": "string"}}})
        self.assertEqual(fit.command_arguments(["echo", "a b"], TOOLS[1]), {"argv": ["echo", "a b"]})
        self.assertEqual(fit.command_arguments(["echo", "a b"], line), {"command": "echo 'a b'"})

    def test_shell_line_is_wrapped_only_for_arrays(self):
        text = {"type": "string"}
        line = make_tool("bash", schema={"properties": {"command": text, "why": text}, "required": ["command", "why"]})
        self.assertEqual(fit.shell_arguments("a | b", line), {"command": "a | b", "why": "run"})
        self.assertEqual(fit.shell_arguments("a | b", TOOLS[1]), {"argv": ["bash", "-c", "a | b"]})

    def test_nullable_array_is_an_array(self):
        tool = make_tool("run", schema={"properties": {"argv": {"anyOf": [{"type": "array"}, {"type": "null"}]}}})
        self.assertEqual(fit.command_arguments(["a"], tool), {"argv": ["a"]})


class WireTest(unittest.TestCase):
    def test_names_are_normalised(self):
        self.assertEqual(flat("mcp__Nucleus__git-status"), "mcp_nucleus_git_status")

    def test_wrappings_of_clients_are_taken_off(self):
        self.assertEqual(unwrap("Chunk ID: 1\nWall time: 2\nOutput:\nown words"), "own words")
        self.assertEqual(unwrap(json.dumps({"output": "own words", "returncode": 0})), "own words")
        self.assertEqual(unwrap('{"output": "x", "unknown": 1}'), '{"output": "x", "unknown": 1}')

    def test_history_names_the_request_and_a_new_result_changes_it(self):
        call = {"id": "c1"}
        first = read_request("chat", chat_request())
        self.assertEqual(first.key, read_request("chat", chat_request(stream=True)).key)
        later = read_request("chat", chat_request({"role": "user", "content": "go"}, tool_result(call, "x")))
        self.assertNotEqual(first.key, later.key)
        self.assertEqual((later.results, later.tail), ([("c1", "x")], "go"))


if __name__ == "__main__":
    unittest.main()
