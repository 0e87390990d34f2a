import { expect, test } from "vitest";
import { errorLine, noteLine, resultLine } from "./lines.ts";
import { Messages } from "./message.ts";

test("a message is read by whoever has the key, and by nobody else", () => {
  const { id, frames } = new Messages("key").encode("execute_request", { code: "é" });
  const read = new Messages("key").decode([Buffer.from("identity"), ...frames]);
  expect(read).toEqual({ type: "execute_request", parent: undefined, content: { code: "é" } });
  expect(JSON.parse(frames[2]!.toString())).toMatchObject({ msg_id: id, version: "5.3" });
  expect(new Messages("other").decode(frames)).toBe(undefined);
  for (const index of [1, 2, 3, 4, 5]) {
    const forged = frames.with(index, Buffer.from(`{"forged":${index}}`));
    expect(new Messages("key").decode(forged)).toBe(undefined);
  }
});

test("frames that are no message are passed over", () => {
  const messages = new Messages("key");
  const { frames } = messages.encode("status", {});
  for (let length = 0; length < frames.length; length++)
    expect(messages.decode(frames.slice(0, length))).toBe(undefined);
  expect(messages.decode([])).toBe(undefined);
});

const parse = (line: Buffer | undefined): unknown => JSON.parse(line!.toString());

test("a result has a field for each representation; pictures are one line of base64", () => {
  const data = { "text/plain": ["a\n", "b"], "image/png": "AA\nBB\n", "application/x-own": [1] };
  expect(parse(resultLine({ data }, true))).toEqual({
    type: "result",
    text: "a\nb",
    png: "AABB",
    extra: { "application/x-own": [1] },
    is_main_result: true,
  });
  expect(resultLine({}, true)).toBe(undefined);
  expect(resultLine({ data: {} }, true)).toBe(undefined);
});

test("what is too large is replaced by a note, and both ends of a long error are kept", () => {
  const data = { "text/plain": "x".repeat(33 * 1024 * 1024) };
  expect(parse(resultLine({ data }, true))).toMatchObject({
    text: expect.stringMatching(/34\.6 MB \(text\/plain\) is over the limit of 32 MiB/),
  });
  expect(parse(noteLine("It is long"))).toMatchObject({
    text: "It is long and was left out. Save it to a file instead.",
  });
  const long = parse(errorLine({ ename: "E", evalue: `a${"x".repeat(1e6)}z` })) as {
    value: string;
  };
  expect(long.value.length).toBeLessThan(300_000);
  expect(long.value).toMatch(/^a.*z$/s);
});

test("an error of the wrong shape is an error all the same", () => {
  const odd = { ename: 7, evalue: { a: 1 }, traceback: "no list" };
  expect(parse(errorLine(odd))).toEqual({
    type: "error",
    name: "7",
    value: '{"a":1}',
    traceback: '7: {"a":1}',
  });
});
