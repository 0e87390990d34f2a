// What people and models type in a shell of the default template.
import type { Sandbox } from "@emberbox/core";
import { beforeAll, expect, test } from "vitest";
import { createSandbox } from "./support/sandboxes.ts";

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await createSandbox();
});

test.each([
  ...["python", "python3", "pip", "node", "npm", "gcc", "g++", "make", "wget", "curl", "git"],
  ...["vim", "nano", "ssh", "scp", "rsync", "zip", "unzip", "jq", "rg", "tree", "bc", "xxd"],
  ...["sqlite3", "less", "file", "nc", "sudo", "ps", "ip"],
])("there is %s", async (name) => {
  const { exitCode, stdout } = await sandbox.commands.run(`command -v ${name}`);
  expect([exitCode, stdout.trim()]).toEqual([
    0,
    expect.stringMatching(new RegExp(`/${name.replaceAll("+", "\\+")}$`)),
  ]);
});

test("a program in C is compiled, and an extension of Python's", async () => {
  await sandbox.files.write(
    "answer.c",
    "#include <Python.h>\n#include <stdio.h>\nint main(void) { puts(PY_VERSION); return 0; }\n",
  );
  const { stdout } = await sandbox.commands.run(
    "gcc $(python3-config --includes) answer.c -o answer && ./answer",
  );
  expect(stdout).toMatch(/^3\.\d+/);
});

test.each([
  ["ffmpeg -version", "sudo apt-get update && sudo apt-get install --yes ffmpeg"],
  ["pnpm install", "sudo npm install --global pnpm"],
  ["pytest", "pip install pytest"],
])("%s fails, and says what would install it", async (command, hint) => {
  const { exitCode, stderr } = await sandbox.commands.run(command);
  expect(exitCode).toBe(127);
  expect(stderr).toBe(
    `bash: ${command.split(" ")[0]}: command not found\nInstall it by: ${hint}\n`,
  );
});

test("what nobody knows is not found, and no more is said", async () => {
  const { exitCode, stderr } = await sandbox.commands.run("no-such-program; exit $?");
  expect([exitCode, stderr]).toEqual([127, "bash: no-such-program: command not found\n"]);
});

test("a command's own variables win over the login shell's", async () => {
  const { stdout } = await sandbox.commands.run("echo $PATH $LANG", {
    envs: { PATH: "/mine:/bin", LANG: "C" },
  });
  expect(stdout).toBe("/mine:/bin C\n");
  const usual = await sandbox.commands.run("echo $PATH $LANG");
  expect(usual.stdout).toBe(
    "/home/user/.local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin C.UTF-8\n",
  );
  const root = await sandbox.commands.run("echo $PATH", { user: "root" });
  expect(root.stdout).toBe("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
});
