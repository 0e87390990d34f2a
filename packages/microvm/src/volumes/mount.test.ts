import { Duplex, duplexPair } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { serveMount } from "./mount.ts";
import { answer, HEADER_BYTES, MAX_REQUEST, Request } from "./protocol.ts";
import { request } from "./testing/client.ts";

const LOOKUP = 1;
const echo = {
  handle: async (bytes: Buffer) => answer(new Request(bytes).unique, 0, bytes.subarray(40)),
};

function serve(server: Parameters<typeof serveMount>[1]): { guest: Duplex; host: Duplex } {
  const [guest, host] = duplexPair();
  guest.on("error", () => {});
  serveMount(host, server);
  return { guest, host };
}

test("requests are answered however they are cut", async () => {
  const { guest } = serve(echo);
  const answers: Buffer[] = [];
  guest.on("data", (part: Buffer) => answers.push(part));
  const bytes = Buffer.concat([request(LOOKUP, 1, "one"), request(LOOKUP, 1, "two")]);
  for (const byte of bytes) guest.write(Buffer.of(byte));
  guest.write(Buffer.concat([bytes, bytes]));
  await expect
    .poll(() =>
      Buffer.concat(answers)
        .toString("latin1")
        .match(/one|two/g),
    )
    .toEqual(["one", "two", "one", "two", "one", "two"]);
});

test("a length that is none ends the mount, and nothing is kept for it", async () => {
  for (const length of [0, HEADER_BYTES - 1, MAX_REQUEST + 1, 2 ** 32 - 1]) {
    const { guest, host } = serve(echo);
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(length);
    guest.write(header);
    await new Promise((resolve) => host.once("close", resolve));
  }
});

test("no more is begun than is worked on at once, and none is lost", async () => {
  let underWay = 0;
  let most = 0;
  let done = 0;
  const release: (() => void)[] = [];
  const { guest } = serve({
    async handle() {
      most = Math.max(most, ++underWay);
      await new Promise<void>((resolve) => release.push(resolve));
      underWay--;
      done++;
      return undefined;
    },
  });
  guest.write(Buffer.concat(Array.from({ length: 500 }, () => request(LOOKUP, 1, "name"))));
  const isDone = (): boolean => done === 500;
  while (!isDone()) {
    await turn();
    for (const each of release.splice(0)) each();
  }
  expect(most).toBe(32);
});

test("whoever does not read answers is not read from", async () => {
  let handled = 0;
  const { guest } = serve({
    async handle(bytes) {
      handled++;
      return answer(new Request(bytes).unique, 0, Buffer.alloc(256 * 1024));
    },
  });
  guest.write(Buffer.concat(Array.from({ length: 500 }, () => request(LOOKUP, 1, "name"))));
  for (let turns = 0; turns < 100; turns++) await turn();
  expect(handled).toBeLessThan(40);
});
