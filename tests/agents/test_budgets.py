"""The counts of `budgets.py` can fail; nothing here installs or runs a client."""
import json
import pathlib
import tempfile
import types
import unittest
from unittest import mock

import budgets

OPTIONS = types.SimpleNamespace(auditor="nucleus-audit")
EXACT = budgets.RUNS["exact"][1]


class CountTest(unittest.TestCase):
    def red(self, name, paid, answered, refused, late):
        """The failed checks of a run in which so many calls reached the provider, and the SDK was told this."""
        with tempfile.TemporaryDirectory() as base, mock.patch.object(budgets.verdicts, "audit_checks", return_value=[]):
            run = budgets.Run(pathlib.Path(base), "chat", name, pathlib.Path("venv"))
            self.addCleanup(run.journal.close)
            for _ in range(paid):
                run.model.next(None)
                run.journal.write("model")
            told = {"at_once": ["answered"] * answered + ["402 budget"] * refused, "late": late, "version": "1"}
            checks = list(run.checks(OPTIONS, "noise\nTOLD " + json.dumps(told) + "\n"))
        return [check for check, ok, _ in checks if not ok]

    def setUp(self):
        patch = mock.patch.object(budgets, "TOGETHER_SECONDS", 0)
        patch.start()
        self.addCleanup(patch.stop)

    def test_as_many_as_are_covered_is_green(self):
        self.assertEqual(self.red("exact", EXACT, EXACT, budgets.CALLS - EXACT, "402 budget"), [])
        self.assertEqual(self.red("bare", budgets.CALLS + 1, budgets.CALLS, 0, "answered"), [])

    def test_one_call_unpaid_or_one_refused_too_early_is_red(self):
        reach = "as_many_calls_as_are_covered_reach_the_provider"
        self.assertIn(reach, self.red("exact", EXACT + 1, EXACT, budgets.CALLS - EXACT, "402 budget"))
        self.assertIn(reach, self.red("one-less", EXACT, EXACT, budgets.CALLS - EXACT, "402 budget"))
        self.assertIn("each_of_them_is_answered", self.red("exact", EXACT - 1, EXACT - 1, budgets.CALLS - EXACT, "402 budget"))

    def test_a_refusal_for_another_reason_is_red(self):
        self.assertIn("every_other_is_told_of_the_budget", self.red("exact", EXACT, EXACT, 0, "402 budget"))
        late = self.red("exact", EXACT, EXACT, budgets.CALLS - EXACT, "403 no such route")
        self.assertEqual(late, ["the_late_call_is_told_of_it_too"])

    def test_a_silent_client_is_red(self):
        self.assertTrue(self.red("exact", 0, 0, 0, ""))


if __name__ == "__main__":
    unittest.main()
