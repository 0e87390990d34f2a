import { expect, test } from "vitest";
import { duplexPair } from "node:stream";
import { text } from "node:stream/consumers";
import { Session } from "@emberbox/wire";

// The two ends of the port, here both in one program.
const [hostPort, guestPort] = duplexPair();
const common = { onBroken: (error: Error) => console.error(error.message) };

// The guest answers the host's greeting, and its port 7 sends back what it gets.
const guest: Session = new Session({
  ...common,
  port: guestPort,
  firstStream: 2,
  onHello: () => guest.hello(Buffer.from("from the guest")),
  onStream: (stream, port) => {
    if (port === 7) stream.pipe(stream);
    return port === 7;
  },
});
const greeted = Promise.withResolvers<Buffer>();
const host = new Session({
  ...common,
  port: hostPort,
  firstStream: 1,
  onHello: greeted.resolve,
  onStream: () => false,
});

host.hello(Buffer.from("from the host"));
console.log(String(await greeted.promise));
const stream = host.open(7);
stream.end("hello");
const answer = await text(stream);
console.log(answer);

test("the README's example does what it says", async () => {
  expect(String(await greeted.promise)).toBe("from the guest");
  expect(answer).toBe("hello");
});
