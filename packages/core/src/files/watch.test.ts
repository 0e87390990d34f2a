import { expect, onTestFinished, test } from "vitest";
import { scriptedSandbox, type Script } from "../testing/scripted-sandbox.ts";

function envelope(message: object): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  const header = Buffer.alloc(5);
  header.writeUInt32BE(body.length, 1);
  return Buffer.concat([header, body]);
}

/** A directory in which something changes at once. */
const changing: Script = (_request, response) => {
  response.writeHead(200, { "Content-Type": "application/connect+json" });
  response.write(envelope({ start: {} }));
  response.write(envelope({ filesystem: { type: "EVENT_TYPE_CREATE", name: "a" } }));
};

function nextWarning(): Promise<Error> {
  const { promise, resolve } = Promise.withResolvers<Error>();
  process.once("warning", resolve);
  onTestFinished(() => void process.off("warning", resolve));
  return promise;
}

const fail = (): void => {
  throw new Error("mine");
};

test("a callback that throws ends the watch, of which `onExit` hears", async () => {
  await using it = await scriptedSandbox(changing);
  const { promise, resolve } = Promise.withResolvers<unknown>();
  await it.sandbox.files.watchDir("/x", fail, { onExit: resolve });
  expect(await promise).toMatchObject({ message: "mine" });
});

test("or else a warning tells of it", async () => {
  await using it = await scriptedSandbox(changing);
  const warned = nextWarning();
  await it.sandbox.files.watchDir("/x", fail);
  expect((await warned).message).toBe("The callback of `watchDir` failed: mine");
});

test("a warning tells of an `onExit` that throws", async () => {
  await using it = await scriptedSandbox(changing);
  const warned = nextWarning();
  const handle = await it.sandbox.files.watchDir("/x", () => {}, { onExit: fail });
  await handle.stop();
  expect((await warned).message).toBe("The callback `onExit` failed: mine");
});
