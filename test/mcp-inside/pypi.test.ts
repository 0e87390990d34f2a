import { Sandbox } from "@emberbox/core";
import { expect, test } from "vitest";
import { findPypi } from "../support/outside.ts";
import { engine } from "../support/sandboxes.ts";
import { connectMcp, textOf, untilOffered } from "./support.ts";

/** pip installs some thirty packages. */
const timeout = 900_000;

test("a server that PyPI has is installed and works", { timeout }, async (context) => {
  const pypi = await findPypi();
  if (pypi === undefined) {
    const reason = "PyPI does not answer";
    console.warn(`SKIPPED: ${reason}`);
    return context.skip(reason);
  }
  await using provider = engine(undefined, { network: { ca: pypi.ca === "" ? [] : [pypi.ca] } });
  await using sandbox = await Sandbox.create({
    provider,
    timeoutMs: timeout,
    network: { allowOut: pypi.allowOut, denyOut: ["0.0.0.0/0"] },
    envs: { PIP_INDEX_URL: pypi.url },
    mcp: { time: {} },
  });
  const client = await connectMcp(await sandbox.getMcpUrl(), (await sandbox.getMcpToken())!);
  await untilOffered(client, "time_get_current_time");
  const call = { name: "time_get_current_time", arguments: { timezone: "Asia/Tokyo" } };
  expect(textOf(await client.callTool(call, { timeout }))).toContain("+09:00");
  await client.close();
});
