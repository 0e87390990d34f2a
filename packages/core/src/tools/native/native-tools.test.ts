import { expect, test } from "vitest";
import { scriptedSandbox } from "../../testing/scripted-sandbox.ts";
import { NativeTools } from "./native-tools.ts";

function envelope(event: object): Buffer {
  const body = Buffer.from(JSON.stringify({ event }));
  const header = Buffer.alloc(5);
  header.writeUInt32BE(body.length, 1);
  return Buffer.concat([header, body]);
}

test("a call rejects with what its listener for output throws; no model is told of that", async () => {
  await using it = await scriptedSandbox((_request, response) => {
    response.writeHead(200, { "Content-Type": "application/connect+json" });
    response.write(envelope({ start: { pid: 7 } }));
    response.write(envelope({ data: { stdout: Buffer.from("hello").toString("base64") } }));
  });
  await using tools = new NativeTools(it.sandbox);
  const mine = new Error("mine");
  const onOutput = (): void => {
    throw mine;
  };
  await expect(tools.localShell({ command: ["echo"] }, { onOutput })).rejects.toBe(mine);
  const shell = tools.shell({ commands: ["echo"] }, { onOutput });
  await expect(shell).rejects.toBe(mine);
});
