import type { Sandbox } from "@emberbox/core";
import type { Attempt } from "./attempt.ts";

const seen = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    (value) => `GOT ${String(value).slice(0, 100)}`,
    (error: unknown) => String((error as { code?: string }).code ?? error),
  );

const files = (
  id: string,
  tries: string,
  prepare: string,
  use: (sandbox: Sandbox) => Promise<unknown>,
  refused: RegExp,
): Attempt => ({
  id: `files.${id}`,
  tries,
  refusedBy: "the agent",
  async run({ sandbox }) {
    const { exitCode } = await sandbox.commands.run(prepare);
    return { delivered: exitCode === 0 ? "the trap was laid" : "", seen: await seen(use(sandbox)) };
  },
  refused,
});

/** By code in a sandbox that lays traps for those who read and write its files from outside. */
export const fileAttempts: readonly Attempt[] = [
  files(
    "dotdot",
    "leave the home directory by `..`",
    ":",
    (s) => s.files.read("../../etc/shadow"),
    /^invalid_path$/,
  ),
  files(
    "symlink",
    "have a file of the host read through a symbolic link",
    `ln -sfn ${process.cwd()} ~/innocent`,
    (s) => s.files.read("innocent/package.json"),
    /^file_not_found$/,
  ),
  files(
    "loop",
    "have links followed without end",
    "ln -sf b ~/a; ln -sf a ~/b",
    (s) => s.files.read("a"),
    /^(invalid_path|file_not_found|permission_denied|protocol_error|invalid_argument)$/,
  ),
  files(
    "pipe",
    "keep a reader waiting without end at a pipe",
    "mkfifo ~/pipe",
    (s) => s.files.read("pipe", { requestTimeoutMs: 5000 }),
    /^(timeout|invalid_path|invalid_argument|protocol_error)$/,
  ),
  files(
    "endless",
    "have a file without end read into the host's memory",
    "ln -sf /dev/zero ~/zero",
    (s) => s.files.read("zero", { requestTimeoutMs: 20_000 }),
    /^(file_too_large|invalid_path|invalid_argument|protocol_error|timeout|GOT )$/,
  ),
  files(
    "agent-memory",
    "have the agent read its own memory",
    ":",
    (s) => s.files.read("/proc/self/mem"),
    /^(permission_denied|protocol_error|invalid_path|invalid_argument|file_not_found|GOT )$/,
  ),
];
