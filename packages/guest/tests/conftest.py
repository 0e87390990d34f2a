"""Where tests find the guest's modules; and for the workspace's own runner, each test's outcome as a line of JSON."""

import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ENGINE = os.path.join(ROOT, "../microvm/src/container/assets")
sys.path[:0] = [ROOT, os.path.join(ROOT, "kernel"), ENGINE]
sys.dont_write_bytecode = True
OUTCOMES = os.environ.get("EMBERBOX_OUTCOMES")


def pytest_runtest_logreport(report):
    if OUTCOMES and (report.when == "call" or report.outcome != "passed"):
        with open(OUTCOMES, "a", encoding="utf-8") as file:
            outcome = {"name": report.nodeid, "outcome": report.outcome, "text": report.longreprtext}
            file.write(json.dumps(outcome) + "\n")
