import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { waitForFile, waitForPort, waitForProcess, waitForTimeout, waitForURL } from "./ready.ts";

/** What bash makes of a command whose programs print their arguments, one in a line. */
function wordsOf(command: string): string[] {
  const programs = ["ss", "curl", "pgrep", "sleep"];
  const stubs = programs.map((name) => `${name}() { printf '%s\n' "$@" >&3; };`).join(" ");
  return execFileSync("bash", ["-c", `exec 3>&1; ${stubs} ${command} || true`], {
    encoding: "utf8",
  })
    .split("\n")
    .slice(0, -1);
}

test("ready commands are command lines of the shell", () => {
  expect(wordsOf(waitForPort(8080))).toEqual(["-Htuln", "sport = :8080"]);
  expect(wordsOf(waitForURL("http://localhost/?a='b'&c=$HOME")).at(-1)).toBe(
    "http://localhost/?a='b'&c=$HOME",
  );
  expect(waitForURL("http://localhost:3000/", 204)).toMatch(/= 204 \]$/);
  expect(waitForTimeout(1500)).toBe("sleep 1.5");
  expect(waitForTimeout(0)).toBe("sleep 0");
});

test("a file of any name is waited for", () => {
  expect(waitForFile("/run/it's $HOME")).toBe(`[ -e '/run/it'\\''s $HOME' ]`);
});

test("a process is found by its name, which is no pattern", () => {
  expect(wordsOf(waitForProcess("a.out"))).toEqual(["-x", "--", "a\\.out"]);
  expect(waitForProcess("a-very-long-program")).toBe(
    "{ pgrep -x -- a-very-long-pro || pgrep -f -- '^([^ ]*/)?a-very-long-program( |$)'; } > /dev/null",
  );
});

const wrong: [command: () => string, code: string, message: string][] = [
  [() => waitForPort(0), "invalid_argument", "`port` to be a port from 1 to 65535"],
  [() => waitForPort("80; id" as never), "invalid_argument", "`port`"],
  [() => waitForURL("file:///etc"), "invalid_argument", "`url` to be an http or https URL"],
  [() => waitForURL("http://a b"), "invalid_argument", "`url`"],
  [() => waitForURL("http://a", 99), "invalid_argument", "`status`"],
  [() => waitForProcess("a b"), "invalid_argument", "`name`"],
  [() => waitForFile(""), "invalid_path", "may not be empty"],
  [() => waitForTimeout(-1), "invalid_argument", "`ms`"],
  [() => waitForTimeout(Infinity), "invalid_argument", "`ms`"],
];
for (const [command, code, message] of wrong) {
  test(`${command} is refused`, () =>
    expect(command).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    ));
}
