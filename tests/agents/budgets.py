#!/usr/bin/python3
"""Runs the official SDKs in sessions whose budget covers fewer calls than they make at once, and counts what was paid.

Each API is called 32 times side by side and once more afterwards: bare, where every call arrives, with a budget of exactly ten
calls, and with one that is a micro-dollar short of ten. What reached the provider is counted in the provider's journal. One line
for each check, then one JSON line for each run; exit 1 where a check failed.
"""
import argparse
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import install
import verdicts
from modelserver.journal import Journal
from modelserver.play import Reply
from modelserver.serve import ModelServer

HERE = pathlib.Path(__file__).resolve().parent
APIS = ("chat", "responses", "anthropic")
CALLS, COVERED, TOKENS = 32, 10, 1000
# A token returned costs one micro-dollar and one that is sent nothing, so that every call costs the same.
PRICES = 'version = 1\nas_of = "test"\n[[price]]\nmodel = "fake-1"\ninput = 0\noutput = 1000\n'
# The budget of each run in micro-dollars, and how many calls it covers.
RUNS = {"bare": (None, CALLS + 1), "exact": (COVERED * TOKENS, COVERED), "one-less": (COVERED * TOKENS - 1, COVERED - 1)}
TOGETHER_SECONDS = 60


class PacedModel(ModelServer):
    """A model that uses all the tokens it may, and answers no call before as many as are wanted wait with it."""

    def __init__(self, wanted, journal):
        super().__init__({}, {}, journal)
        self.wanted, self.arrived = wanted, 0
        self.counting, self.together = threading.Lock(), threading.Event()

    def session(self, _name):
        return self

    def next(self, _request):
        with self.counting:
            self.arrived += 1
            if self.arrived >= self.wanted:
                self.together.set()
        self.together.wait(TOGETHER_SECONDS)
        usage = {"input": 0, "output": TOKENS, "cached": 0, "reasoning": 0}
        return Reply("call", "done", [], usage, {}, {})

    def status(self):
        return {}


class Run:
    """One API with one budget, in a directory of its own."""

    def __init__(self, base, api, name, venv):
        self.base, self.api = base, api
        self.budget, self.covered = RUNS[name]
        for directory in ("work", "home", "state", "config/nucleus"):
            (base / directory).mkdir(parents=True, mode=0o700)
        (base / "config/nucleus/prices.toml").write_text(PRICES)
        self.journal = Journal(base / "model.jsonl")
        self.model = PacedModel(min(self.covered, CALLS), self.journal)
        self.python = venv / "bin/python"
        self.argv = [str(self.python), str(HERE / "budget_agent.py"), api, str(CALLS), str(TOKENS)]

    def environment(self):
        return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(self.base / "home"),
                "XDG_STATE_HOME": str(self.base / "state"), "XDG_CONFIG_HOME": str(self.base / "config")}

    def execute(self, options):
        env, argv = self.environment(), self.argv
        if self.budget is None:
            model = f"http://127.0.0.1:{self.model.listen_tcp()}"
            env |= {"OPENAI_BASE_URL": f"{model}/v1", "ANTHROPIC_BASE_URL": model,
                    "OPENAI_API_KEY": "placeholder", "ANTHROPIC_API_KEY": "placeholder"}
        else:
            socket = self.base / "model.sock"
            self.model.listen_unix(socket)
            policy = self.base / "policy.toml"
            dollars = f"{self.budget // 10**6}.{self.budget % 10**6:06}"
            policy.write_text(f'version = 1\nextends = "fix-issue"\n[budget]\nmax_cost_usd = {dollars}\n')
            argv = [options.nucleus, "run", "--local", "--config", str(policy), "--dir", str(self.base / "work"),
                    "--model-socket", str(socket), "--view-dir", str(HERE), "--view-dir", str(self.python.parent.parent),
                    "--", *argv]
        try:
            done = subprocess.run(argv, cwd=self.base / "work", env=env, stdin=subprocess.DEVNULL, capture_output=True,
                                  timeout=options.timeout)
            return (done.stdout + done.stderr).decode("utf-8", "replace")
        except subprocess.TimeoutExpired as error:
            return "timeout " + ((error.stdout or b"") + (error.stderr or b"")).decode("utf-8", "replace")
        finally:
            self.model.close()

    def checks(self, options, output):
        """(name, passed, detail) of what reached the provider and what the SDK was told."""
        told = [json.loads(line.removeprefix("TOLD ")) for line in output.splitlines() if line.startswith("TOLD ")]
        told = told[0] if told else {"at_once": [], "late": output[-1500:], "version": "?"}
        self.version = told["version"]
        outcomes = collections.Counter(told["at_once"])
        seen = f"{dict(outcomes)}, then {told['late']}"
        at_once = min(self.covered, CALLS)
        paid = len(self.journal.entries("model"))
        yield "as_many_calls_as_are_covered_reach_the_provider", paid == self.covered, f"{paid}: {seen}"
        yield "they_were_under_way_together", self.model.arrived >= at_once and self.model.together.is_set(), seen
        yield "each_of_them_is_answered", outcomes["answered"] == at_once, seen
        if self.budget is None:
            yield "the_late_call_is_answered", told["late"] == "answered", seen
            return
        yield "every_other_is_told_of_the_budget", outcomes["402 budget"] == CALLS - at_once, seen
        yield "the_late_call_is_told_of_it_too", told["late"] == "402 budget", seen
        yield from verdicts.audit_checks(self.base / "state", options.auditor, self.environment(), False)


def report(api, name, options):
    """Runs, prints the checks and their sum, and returns the failed ones."""
    base = pathlib.Path(tempfile.mkdtemp(prefix="nb"))
    run, started = Run(base, api, name, install.venv("pyd")), time.monotonic()
    output = run.execute(options)
    checks = list(run.checks(options, output))
    run.journal.close()
    red = {check: detail for check, ok, detail in checks if not ok}
    for check, ok, detail in checks:
        print(f"{'PASSED' if ok else 'FAILED'}: budget {api} {name} {check}", flush=True)
        if not ok:
            print("    " + str(detail).replace("\n", "\n    "), flush=True)
    result = {"agent": f"budget-{api}", "version": run.version, "scenario": name, "passed": not red,
              "detail": " ".join(red), "seconds": round(time.monotonic() - started, 1), "checks": len(checks), "failed": red}
    print(json.dumps(result), flush=True)
    if red:
        print(f"kept: {base}", file=sys.stderr)
    else:
        shutil.rmtree(base, ignore_errors=True)
    return red


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nucleus", default=str(install.ROOT / "target/release/nucleus"))
    parser.add_argument("--auditor", help="the log verifier; default: nucleus-audit beside --nucleus")
    parser.add_argument("--apis", default=",".join(APIS), help="comma-separated; default: all")
    parser.add_argument("--timeout", type=int, default=600, help="seconds that one run may take")
    options = parser.parse_args()
    options.nucleus = str(pathlib.Path(options.nucleus).resolve())
    options.auditor = options.auditor or str(pathlib.Path(options.nucleus).with_name("nucleus-audit"))
    apis = options.apis.split(",")
    if unknown := set(apis) - set(APIS):
        parser.error(f"no API is called {', '.join(sorted(unknown))}")
    red = [report(api, name, options) for api in apis for name in RUNS]
    return 1 if any(red) else 0


if __name__ == "__main__":
    sys.exit(main())
