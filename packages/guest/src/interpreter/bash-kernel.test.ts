import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { BASH_ARGUMENTS } from "./bash.ts";
import { BashKernel } from "./bash-kernel.ts";

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly error: string | undefined;
}

const directory = mkdtempSync(join(tmpdir(), "emberbox-bash-"));
let kernel: BashKernel;

beforeEach(async () => {
  const shell = spawn("/bin/bash", BASH_ARGUMENTS, {
    cwd: directory,
    env: { PATH: process.env["PATH"], PS1: "", PS2: "" },
    detached: true,
    stdio: ["pipe", "pipe", "pipe", "pipe", "pipe"],
  });
  const [, stdout, stderr, frames, control] = shell.stdio as unknown as Socket[];
  kernel = new BashKernel({
    process: shell,
    pid: shell.pid!,
    stdout: stdout!,
    stderr: stderr!,
    frames: frames!,
    control: control!,
  });
  await kernel.ready;
});

afterEach(() => kernel.kill());
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function run(code: string, onStart?: () => void, envs?: Record<string, string>): Promise<Outcome> {
  const outcome = { stdout: "", stderr: "", error: undefined as string | undefined };
  return new Promise((resolve, reject) => {
    kernel.onExit = ({ code: status }) => reject(new Error(`the shell ended with ${status}`));
    kernel.execute(code, envs, {
      output: (line) => {
        const { type, text } = JSON.parse(line.toString()) as { type: string; text: string };
        if (type === "stdout" || type === "stderr") outcome[type] += text;
        if (outcome.stdout.endsWith("started\n")) onStart?.();
      },
      error: (line) => (outcome.error = (JSON.parse(line.toString()) as { value: string }).value),
      end: () => resolve(outcome),
      flush: () => undefined,
    });
  });
}

const said = (stdout: string, error?: string, stderr = ""): Outcome => ({ stdout, stderr, error });
const status = (number: number): string => `exit status ${number}`;

/** Each cell runs where the one before has left the shell. */
const cells: Record<string, readonly (readonly [string, Outcome])[]> = {
  "set -e ends the cell, not the shell": [
    ["set -e\nkept=1\nfalse\necho no", said("", status(1))],
    ["echo $kept", said("1\n")],
    [
      "f() { local kept=2; (exit 3); echo no; }\ng() { f; echo no; }\ng\necho no",
      said("", status(3)),
    ],
    ["if false; then :; fi; false || echo $kept; ! true", said("1\n", status(1))],
    ["(false; echo no); echo no", said("", status(1))],
    ['set +e; x=$(set -e; false; echo no); echo "$?$x"; (false; echo yes)', said("1\nyes\n")],
    ["set -euo pipefail\nfalse | true\necho no", said("", status(1))],
    ["return 4", said("", status(4))],
    ["set +euo pipefail; false; echo yes", said("yes\n")],
  ],
  "an unset variable ends the cell": [
    ["set -u\necho $nothing\necho no", said("", status(1), "bash: nothing: unbound variable\n")],
    ["set +u; echo yes$nothing", said("yes\n")],
    [": ${nothing:?is missing}\necho no", said("", status(1), "bash: nothing: is missing\n")],
  ],
  "exit ends the cell, not the shell": [
    ["exit 3\necho no", said("", status(3))],
    [
      'die() { echo "$1" >&2; exit 4; }\nfalse || die failed\necho no',
      said("", status(4), "failed\n"),
    ],
    [
      "while true; do if die again; then echo no; fi; done; echo no",
      said("", status(4), "again\n"),
    ],
    ["exit", said("")],
    ["false; exit", said("", status(1))],
    ["exit 256", said("")],
    ["(exit 5); echo $?; echo a | while read -r line; do exit 6; done; echo $?", said("5\n6\n")],
    ["echo 'exit 7; echo no' > sourced.sh; . ./sourced.sh; echo no", said("", status(7))],
    ["set -e; exit 8", said("", status(8))],
    ["set +e; for i in 1 2 3; do echo $i; [ $i = 2 ] && exit 9; done", said("1\n2\n", status(9))],
  ],
  "a trap for the end runs at the end of its cell": [
    ["trap 'echo bye $?' EXIT; echo hi", said("hi\nbye 0\n")],
    ["echo next", said("next\n")],
    ["trap 'echo bye $?' EXIT; set -e; false; echo no", said("bye 1\n", status(1))],
    ["set +e; trap 'echo bye; exit 5' EXIT; exit 3", said("bye\n", status(5))],
    ["trap 'echo bye' EXIT; trap - EXIT", said("")],
    ["(trap 'echo inner' EXIT); echo outer", said("inner\nouter\n")],
  ],
  "a trap for errors runs once": [
    [
      "set -e; trap 'echo failed $?' ERR; f() { false; }; f; echo no",
      said("failed 1\n", status(1)),
    ],
    ["set +e; false; echo yes", said("failed 1\nyes\n")],
    ["trap - ERR; false; echo yes", said("yes\n")],
  ],
  "nothing but the code is traced": [
    ["set -x\nfalse\necho hi", said("hi\n", undefined, "++ false\n++ echo hi\n")],
    ["exit 3", said("", status(3), "++ exit 3\n")],
    ["set -e; false", said("", status(1), "++ set -e\n++ false\n")],
    ["set +ex", said("", undefined, "++ set +ex\n")],
  ],
  "jobs are kept": [
    ["sleep 0.01 & echo hi", said("hi\n")],
    ["wait $!; echo $?; (sleep 0.01; exit 3) &", said("0\n")],
    ["wait $!; echo $?; jobs", said("3\n")],
  ],
  "code that is not complete": [
    ["echo 'a", said("", status(1), "EOF")],
    ["if true; then", said("", status(1), "")],
    [
      "if then",
      said(
        "",
        status(2),
        "bash: line 1: syntax error near unexpected token `then'\nbash: line 1: `if then'\n",
      ),
    ],
    ["", said("")],
    ["# only a remark", said("")],
    ["echo a \\", said("a\n")],
    ['cat <<END\nit\'s $((1 + 1)) \\ "x"\nEND', said('it\'s 2 \\ "x"\n')],
    ["echo yes", said("yes\n")],
  ],
  "input and descriptors": [
    ["read -r line; echo $?", said("1\n")],
    ["printf 'a\\nb\\n' > lines; exec 3<lines; read -r -u 3 one; echo $one", said("a\n")],
    ["read -r -u 3 two; exec 3<&-; echo $two", said("b\n")],
    ["exec >log 2>&1; echo logged", said("")],
    ["cat log; ls /proc/self/fd | wc -l", said("logged\n4\n")],
  ],
  "declarations are global": [
    ["declare -A map=([a]=1); declare -i n=2; shopt -s nullglob; alias hi='echo hi'", said("")],
    ["echo ${map[a]} $n; hi; echo !(log|lines|sourced.sh)", said("1 2\nhi\n\n")],
    ["set -- a b; echo $2", said("b\n")],
  ],
};

test.for(Object.entries(cells))("%s", async ([, steps]) => {
  for (const [code, wanted] of steps) {
    const outcome = await run(code);
    if (/EOF|true; then$/.test(wanted.stderr + code)) expect(outcome.error, code).toBeDefined();
    else expect(outcome, code).toEqual(wanted);
  }
});

test.for([
  "while true; do sleep 0.05; done",
  "set -e; while :; do :; done",
  "f() { sleep 100; }; f",
])("an interrupt keeps the shell: %s", async (loop) => {
  await run("survivor=1");
  const { error } = await run(`trap 'echo bye' EXIT; echo started; ${loop}; echo no`, () =>
    kernel.interrupt(),
  );
  expect(error).toMatch(/^exit status 130/);
  expect((await run("set +e; echo $survivor")).stdout).toBe("1\n");
});

test("variables of one call", async () => {
  expect((await run("echo $ONCE", undefined, { ONCE: "it's" })).stdout).toBe("it's\n");
  expect((await run("set -e; echo ${ONCE-unset}; set +e")).stdout).toBe("unset\n");
});
