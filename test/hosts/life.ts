// The life of a sandbox on a machine that the tests of this repository do not run on, or with a processor that this one
// does not have: `life.ts kvm|tcg|refused [x64|arm64]`.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { EmberboxError, Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import { paths } from "../../packages/microvm/src/host/paths.ts";
import type { EngineOptions } from "../../packages/microvm/src/provider/options.ts";

const started = performance.now();
const say = (what: string): void =>
  void process.stdout.write(`${((performance.now() - started) / 1000).toFixed(1)} s: ${what}\n`);

/** For machines that are far slower than those that the limits are for. */
const HOUR = 3_600_000;
const [expected = "tcg", arch] = process.argv.slice(2);
if (expected === "refused") await beRefused();
else await live(expected);

async function live(accelerator: string): Promise<void> {
  const options: EngineOptions = { onProgress: say, arch: arch as EngineOptions["arch"] };
  await using provider = microvm(options);
  let sandbox = await Sandbox.create({ provider, timeoutMs: 24 * HOUR });
  say("created");
  const templates = readdirSync(paths().templates);
  const kind = arch === "arm64" ? `${accelerator}-${arch}-` : `${accelerator}-`;
  assert.ok(
    templates.some((name) => name.startsWith(kind)),
    String(templates),
  );

  const limit = { timeoutMs: HOUR };
  const python = async (code: string): Promise<string | undefined> => {
    const { error, text } = await sandbox.runCode(code, limit);
    assert.equal(error, undefined);
    return text;
  };
  assert.equal(await python("import pandas, random; kept = 40; kept + 2"), "42");
  say("Python");
  for (const [language, code] of [
    ["javascript", "const twice = (n) => 2 * n; twice(21)"],
    ["typescript", "const n: number = 21; n * 2"],
  ] as const)
    assert.equal((await sandbox.runCode(code, { language, ...limit })).text, "42");
  const { logs } = await sandbox.runCode("echo $((6 * 7))", { language: "bash", ...limit });
  assert.equal(logs.stdout.join(""), "42\n");
  say("JavaScript, TypeScript, bash");

  const asked = Date.now() / 1000;
  const { stdout } = await sandbox.commands.run(
    "cat /sys/devices/system/clocksource/clocksource0/current_clocksource; date +%s.%N; uname -m",
    limit,
  );
  const [clock, time, machine] = stdout.split("\n");
  checkClock(asked, Number(time));
  say(`commands on ${machine}; the clock (${clock}) is right`);
  await sandbox.files.write("/tmp/kept", "kept");

  await sandbox.pause();
  say("paused");
  sandbox = await Sandbox.connect(sandbox.sandboxId, { provider });
  assert.equal(await python("kept + 3"), "43");
  assert.equal(await sandbox.files.read("/tmp/kept"), "kept");
  const askedAgain = Date.now() / 1000;
  checkClock(askedAgain, Number((await sandbox.commands.run("date +%s.%N", limit)).stdout));
  say("resumed, with the right time");

  const [copy] = await sandbox.fork();
  assert.ok(copy instanceof Sandbox, String(copy));
  const [mine, other] = await Promise.all(
    [sandbox, copy].map((each) => each.runCode("(kept, random.random())", limit)),
  );
  assert.match(mine!.text!, /^\(40, /);
  assert.match(other!.text!, /^\(40, /);
  assert.notEqual(mine!.text, other!.text);
  say("forked, with randomness of its own");
  await Promise.all([sandbox.kill(), copy.kill()]);
  say("killed");
}

/** KVM that was asked for and may not be opened is refused, and else sandboxes are emulated, each with the reason. */
/** A command that was begun at `asked`, and has just ended, was told the `time`. In seconds since 1970. */
function checkClock(asked: number, time: number): void {
  const now = Date.now() / 1000;
  const isRight = time > asked - 1 && time < now + 1;
  assert.ok(isRight, `the clock says ${time}, and it is between ${asked} and ${now}`);
}

async function beRefused(): Promise<void> {
  await using provider = microvm({ accelerator: "kvm" });
  const error = await Sandbox.create({ provider }).then(
    () => assert.fail("it was created"),
    (reason: unknown) => reason,
  );
  assert.ok(EmberboxError.isInstance(error) && error.code === "boot_failed", String(error));
  assert.match(error.message, /\/dev\/kvm/);
  say(error.message);
}
