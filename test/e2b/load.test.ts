import { existsSync, readdirSync } from "node:fs";
import { Sandbox } from "e2b";
import { request } from "undici";
import { expect, test } from "vitest";
import { eventually, machinesOf } from "../support/processes.ts";
import { engine, testTemplate } from "../support/sandboxes.ts";
import { sdkOptions, startServer } from "../support/server.ts";
import { deadCgroups, scratch } from "./support/kills.ts";

const CLIENTS = 200;
const MS = 30_000;
const AT_ONCE = 4;

test(`${CLIENTS} clients make, use and kill sandboxes; whoever has to wait is told so`, async () => {
  // Its machines are counted, so there is none without a sandbox.
  await using provider = engine(testTemplate, { standby: false });
  const server = await startServer({ maxSandboxes: AT_ONCE, provider });
  const options = sdkOptions(server);
  const openBefore = files();
  const end = Date.now() + MS;
  let refused = 0;
  let done = 0;
  const unexpected = new Set<string>();

  /** Makes one as the SDK does, but sees each refusal itself. */
  const create = async (): Promise<string | undefined> => {
    const answer = await request(`${options.apiUrl}/v2/sandboxes`, {
      method: "POST",
      headers: { "x-api-key": options.apiKey, "content-type": "application/json" },
      body: JSON.stringify({ templateID: "base" }),
    });
    const body = (await answer.body.json()) as { sandboxID: string; code?: number };
    if (answer.statusCode === 201) return body.sandboxID;
    const seconds = String(answer.headers["retry-after"]);
    if (answer.statusCode !== 429 || body.code !== 429 || !/^[1-9]\d*$/.test(seconds))
      unexpected.add(`${answer.statusCode}, Retry-After ${seconds}: ${JSON.stringify(body)}`);
    refused++;
    await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
    return undefined;
  };
  const client = async (number: number): Promise<void> => {
    while (Date.now() < end) {
      const id = await create();
      if (id === undefined) continue;
      const sandbox = await Sandbox.connect(id, options);
      const { stdout } = await sandbox.commands.run(`echo ${number}`);
      if (stdout !== `${number}\n`) unexpected.add(`${number} was answered ${stdout}`);
      if (!(await sandbox.kill())) unexpected.add(`${id} was gone before it was killed`);
      done++;
    }
  };
  const outcomes = await Promise.allSettled(
    Array.from({ length: CLIENTS }, (_, number) => client(number)),
  );
  for (const outcome of outcomes)
    if (outcome.status === "rejected") unexpected.add(String(outcome.reason));
  console.log(`${done} sandboxes for ${CLIENTS} clients, who were told ${refused} times to wait`);

  expect([...unexpected]).toEqual([]);
  expect(done).toBeGreaterThan(AT_ONCE);
  expect(refused).toBeGreaterThan(0);
  expect(await Sandbox.list(options).nextItems()).toEqual([]);
  expect((await provider.list()).filter(({ state }) => state === "running")).toEqual([]);
  await eventually("no machine is left", 10_000, () => machinesOf().length === 0);
  expect([scratch(), deadCgroups()]).toEqual([[], []]);
  await server.close();
  await eventually("no file is left open", 10_000, () => files() <= openBefore);
});

/** Open files of this program that machines bring: everything but its connections to clients. */
function files(): number {
  const own = "/proc/self/fd";
  return existsSync(own) ? readdirSync(own).length : 0;
}
