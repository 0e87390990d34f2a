import os
import signal
import subprocess
import threading
import time

import pytest
from emberbox_programs import run_script, system, variables


def interrupt_soon():
    threading.Timer(0.2, signal.pthread_kill, [threading.get_ident(), signal.SIGINT]).start()


@pytest.mark.parametrize("command", ["true", "exit 3", "kill -9 $$", b"exit 4"])
def test_system_returns_what_the_real_one_does(command):
    assert system(command) == os.system(command)


def test_an_interrupt_ends_what_starts_one_program_after_another():
    # C's function ignores the interrupt whenever a program runs, which is nearly always.
    interrupt_soon()
    with pytest.raises(KeyboardInterrupt):
        while True:
            system("sleep 0.05")


def test_a_scripts_output_is_whole_whatever_it_is():
    code, out, err = run_script(
        ["bash"],
        "echo a\nhead -c 200000 /dev/zero | tr '\\0' b\nprintf '\\377\\n'\necho c >&2\nexit 3\n",
        subprocess.PIPE,
        subprocess.PIPE,
    )
    assert (code, out, err) == (3, "a\n" + "b" * 200_000 + "\ufffd\n", "c\n")


def test_a_script_may_leave_most_of_itself_unread():
    assert run_script(["true"], "x" * 1_000_000) == (0, None, None)


@pytest.mark.parametrize(
    "literal, found",
    [
        ("", [("", None)]),
        ("plain", [("plain", None)]),
        ("a $b c", [("a ", "b"), (" c", None)]),
        ("$a.b$c", [("", "a.b"), ("", "c"), ("", None)]),
        ("$$a $b", [("$a ", "b"), ("", None)]),
        ("'$a' $b", [("'$a' ", "b"), ("", None)]),
        ("one\ntwo $a", [("one\ntwo ", "a"), ("", None)]),
        ("$ $1-", [("$ ", "1"), ("-", None)]),
    ],
)
def test_variables_of_a_command(literal, found):
    assert list(variables(literal)) == found


def test_a_long_command_takes_no_quadratic_time():
    def took(count):
        started = time.process_time()
        list(variables("echo '$a' $b " * count))
        return time.process_time() - started

    took(100)
    # Ten times as long takes a hundred times as long where time grows with the square.
    assert took(20_000) < 40 * max(took(2_000), 0.002)


def test_an_interrupted_script_leaves_no_process(tmp_path):
    interrupt_soon()
    with pytest.raises(KeyboardInterrupt):
        run_script(["bash"], "echo $$ > %s/pid\nexec sleep 60\n" % tmp_path)
    pid = int((tmp_path / "pid").read_text() or 0) if (tmp_path / "pid").exists() else 0
    assert not pid or not os.path.exists("/proc/%d" % pid)
