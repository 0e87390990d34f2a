import { expect, test } from "vitest";
import { answer, codes, readQuestion } from "./dns.ts";
import { NameTable, standsForName } from "./names.ts";

const question = Buffer.concat([
  Buffer.from("abcd01000001000000000000", "hex"),
  Buffer.from("\x03API\x07example\x03com\0"),
  Buffer.from("00010001", "hex"),
]);

test("a question is read, and answered in its own words", () => {
  const read = readQuestion(question)!;
  expect(read).toMatchObject({ id: 0xab_cd, name: "api.example.com", type: 1, class: 1 });
  const reply = answer(question, read, codes.ok, 0xc6_12_00_02);
  expect(reply.toString("hex")).toBe(
    `abcd81800001000100000000${question.subarray(12).toString("hex")}c00c000100010000001e0004c6120002`,
  );
  const none = answer(question, read, codes.noSuchName);
  expect(none.toString("hex")).toBe(
    `abcd81830001000000000000${question.subarray(12).toString("hex")}`,
  );
});

const changed = (at: number, byte: number): Buffer => {
  const bytes = Buffer.from(question);
  bytes[at] = byte;
  return bytes;
};

test("what is no question is not answered, however it is cut", () => {
  for (let length = 0; length < question.length; length++)
    expect(readQuestion(question.subarray(0, length))).toBeUndefined();
  // An answer, another operation, two questions, a pointer, and a label that points past the message.
  for (const bytes of [
    changed(2, 0x81),
    changed(2, 0x11),
    changed(5, 2),
    changed(12, 0xc0),
    changed(12, 63),
  ])
    expect(readQuestion(bytes)).toBeUndefined();
});

const text = (address: number): string =>
  [24, 16, 8, 0].map((bits) => (address >>> bits) & 255).join(".");

test("addresses stand for names, the same ones while they are remembered", () => {
  const table = new NameTable();
  const first = text(table.addressOf("a.test", "reached"));
  expect(first).toBe("198.18.0.2");
  expect(text(table.addressOf("a.test", "reached"))).toBe(first);
  expect(text(table.addressOf("a.test", "refused"))).toBe("198.19.0.2");
  expect(table.nameOf(first)).toBe("a.test");
  expect(standsForName(first)).toBe(true);
  for (let count = 0; count < 20_000; count++) table.addressOf(`n${count}.test`, "reached");
  expect(table.nameOf(first)).not.toBe("a.test");
  expect(text(table.addressOf("a.test", "reached"))).not.toBe(first);
});
