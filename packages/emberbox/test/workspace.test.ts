import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";

const launcher = join(import.meta.dirname, "../bin/emberbox.mjs");

function folder(): string {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-workspace-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const root = join(directory, "project");
  mkdirSync(root);
  writeFileSync(join(root, "a.txt"), "one\ntwo\nthree\n");
  writeFileSync(join(root, "b.txt"), "remove me\n");
  writeFileSync(join(root, ".env"), "PASSWORD=secret\n");
  return root;
}

async function emberbox(
  parameters: readonly string[],
  input = "",
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [launcher, ...parameters], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  child.stdin.on("error", () => {}).end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { code: code as number, stdout, stderr };
}

const CHANGES =
  "sed -i s/two/2/ a.txt; rm b.txt; mkdir -p new/deep; echo new > new/deep/c.txt; ls -A";

test("without a terminal nothing is applied unless it is said, and a sandbox that was kept is gone on with", async () => {
  const root = folder();
  const bash = ["run", "-", "--language", "bash", "--workspace", root];
  const kept = await emberbox([...bash, "--keep"], CHANGES);
  expect(kept.stdout).toBe("a.txt\nnew\n");
  expect(kept.stderr).toContain("these look like secrets and stay out: .env");
  expect(kept.stderr).toMatch(/changed +a\.txt\n/);
  expect(kept.stderr).toMatch(/removed +b\.txt\n/);
  expect(kept.stderr).toMatch(/added +new\/deep\/c\.txt\n/);
  expect(kept.code).toBe(0);
  expect(readdirSync(root).toSorted()).toEqual([".env", "a.txt", "b.txt"]);
  const id = /emberbox diff (\S+)/.exec(kept.stderr)![1]!;

  const patch = await emberbox(["diff", id, "a.txt"]);
  expect(patch).toMatchObject({ code: 0, stderr: "" });
  expect(patch.stdout).toContain("\n-two\n+2\n");
  expect((await emberbox(["apply", id])).code).toBe(2);
  expect((await emberbox(["apply", id, "nothing-there", "--yes"])).code).toBe(2);
  const undone = await emberbox(["discard", id, "b.txt", "--yes"]);
  expect(undone.stderr).toContain("undid 1 change");
  writeFileSync(join(root, "a.txt"), "one\ntwo\nthree, on the host\n");
  const refused = await emberbox(["apply", id, "--yes"]);
  expect(refused.code).toBe(2);
  expect(existsSync(join(root, "new"))).toBe(false);
  const applied = await emberbox(["apply", id, "--yes", "--on-conflict", "skip"]);
  expect(applied.stderr).toContain("left alone: a.txt");
  expect(readFileSync(join(root, "new/deep/c.txt"), "utf8")).toBe("new\n");
  expect(readFileSync(join(root, "a.txt"), "utf8")).toContain("on the host");
  expect(existsSync(join(root, "b.txt"))).toBe(true);

  const yes = await emberbox([...bash, "--apply", "yes"], "echo more >> b.txt; false");
  expect(yes.code).toBe(1);
  expect(readFileSync(join(root, "b.txt"), "utf8")).toBe("remove me\nmore\n");
});

test.skipIf(!existsSync("/usr/bin/script"))(
  "in a terminal, the end of a shell shows what changed, and asks for each file",
  async () => {
    const root = folder();
    const command = `${process.execPath} ${launcher} shell --workspace ${root}; echo ended $?`;
    const child = spawn("script", ["-qec", command, "/dev/null"], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, PAGER: "cat", TERM: "xterm", NO_COLOR: "" },
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    let screen = "";
    const shows = async (what: string): Promise<string> => {
      while (!screen.includes(what)) screen += String((await once(child.stdout, "data"))[0]);
      const before = screen.slice(0, screen.indexOf(what));
      screen = screen.slice(screen.indexOf(what) + what.length);
      return before;
    };
    await shows("project$ ");
    child.stdin.write(`${CHANGES}; exit 5\r`);
    await shows("3 changes in /home/user/project");
    await shows("[y/n/d/f] ");
    child.stdin.write("d\r");
    await shows("\u001B[31m-two\u001B[0m");
    await shows("\u001B[32m+2\u001B[0m");
    await shows("[y/n/d/f] ");
    child.stdin.write("f\r");
    await shows("a.txt? [y/n/d/a/q] ");
    child.stdin.write("y\r");
    await shows("b.txt? [y/n/d/a/q] ");
    child.stdin.write("n\r");
    await shows("c.txt? [y/n/d/a/q] ");
    child.stdin.write("a\r");
    await shows("applied");
    await shows("Keep the sandbox");
    child.stdin.write("n\r");
    await shows("ended 5");
    child.stdin.end();
    await once(child, "exit");
    expect(readFileSync(join(root, "a.txt"), "utf8")).toBe("one\n2\nthree\n");
    expect(readFileSync(join(root, "new/deep/c.txt"), "utf8")).toBe("new\n");
    expect(existsSync(join(root, "b.txt"))).toBe(true);
  },
);

test("an MCP session sees the folder, applies changes where that is allowed, and is kept when it has more", async () => {
  const root = folder();
  const child = spawn(
    process.execPath,
    [launcher, "mcp", "--workspace", root, "--ignore", "b.txt", "--workspace-apply"],
    { stdio: ["pipe", "pipe", "pipe"] },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  const messages = text(child.stderr);
  const waiting = new Map<number, (result: any) => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const { id, result } = JSON.parse(line) as { id?: number; result?: unknown };
    if (id !== undefined) waiting.get(id)?.(result);
  });
  let last = 0;
  const ask = (method: string, params: object): Promise<any> => {
    last += 1;
    const { promise, resolve } = Promise.withResolvers<any>();
    waiting.set(last, resolve);
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: last, method, params })}\n`);
    return promise;
  };
  const call = async (name: string, input: object): Promise<string> =>
    (await ask("tools/call", { name, arguments: input })).content[0].text as string;
  const clientInfo = { name: "test", version: "1" };
  await ask("initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo });
  child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" })}\n`);
  const { tools } = await ask("tools/list", {});
  for (const { name, description } of tools)
    if (name !== "apply_changes") expect(description).toContain("is at /home/user/project:");
  const listed = await call("run_command", { command: "cd project && ls -A && echo x > d.txt" });
  expect(listed).toContain("a.txt");
  expect(listed).not.toContain("b.txt");
  expect(await call("apply_changes", {})).toContain("added d.txt");
  expect(readFileSync(join(root, "d.txt"), "utf8")).toBe("x\n");
  expect(existsSync(join(root, "b.txt"))).toBe(true);
  await call("write_file", { path: "project/e.txt", content: "left" });
  child.stdin.end();
  await once(child, "close");
  const id = /kept (\S+), paused/.exec(await messages)![1]!;
  const applied = await emberbox(["apply", id, "--yes"]);
  expect(applied.stderr).toContain("applied 1 change");
  expect(readFileSync(join(root, "e.txt"), "utf8")).toBe("left");
});
