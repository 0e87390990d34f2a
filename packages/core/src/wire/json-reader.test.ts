import { expect, test } from "vitest";
import { checkJson, JsonReader } from "./json-reader.ts";

function read(text: string, size: number, limits = {}): unknown {
  const reader = new JsonReader(limits);
  for (let at = 0; at < text.length; at += size) reader.write(text.slice(at, at + size));
  return reader.end();
}

const documents: readonly string[] = [
  "null",
  " true ",
  "false",
  "0",
  "-1.5e+10",
  "1e400",
  '""',
  '"a\\"b\\\\c\\u00e9\\ud83d\\ude00\\n"',
  '"é😀"',
  "[]",
  "{}",
  '[1,[2,[3]],{"a":{"b":[]}}]',
  '{"a":1,"b":"x","a":2,"":null}',
  '{"__proto__":{"x":1},"constructor":2,"1":3,"toString":4}',
  '\n[ 1 ,\t"x" , { "k" : false } ]\r\n',
  JSON.stringify({ text: 'quoted "text" \\ and\nlines'.repeat(50), list: [..."0123456789"] }),
];
const mistakes: readonly string[] = [
  "",
  " ",
  "[",
  "{",
  "]",
  "[1,]",
  "[,1]",
  '{"a"}',
  '{"a":}',
  '{"a":1,}',
  "{a:1}",
  "[1}",
  '{"a":1]',
  "01",
  "1.",
  "-",
  "+1",
  ".5",
  "1e",
  "nul",
  "nulll",
  "1 2",
  '"a',
  '"\\x"',
  '"\\u12g4"',
  '"\\u12',
  '"\n"',
  '"a" "b"',
  "[1 2]",
  "'a'",
  "\u00a01",
];
const sizes = [1, 2, 3, 7, 1000];

test.each(documents)("%s is read as it is by JSON.parse, however it is cut", (text) => {
  const whole = JSON.parse(text) as unknown;
  for (const size of sizes) expect(read(text, size)).toStrictEqual(whole);
  if (text.includes("__proto__"))
    expect(Object.keys(read(text, 3) as object)).toContain("__proto__");
});

test.each(mistakes)("%j is a mistake, however it is cut", (text) => {
  expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
  for (const size of sizes) expect(() => read(text, size)).toThrow(SyntaxError);
});

const deep = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
const many = (values: number): string => `[${"1,".repeat(values - 2)}0]`;

test("depth and values have limits, which the check without parsing has too", () => {
  const tooDeep = /nested more than 256 levels/;
  const tooMany = /more than 1000 values/;
  const limits = { values: 1000 };
  for (const say of [
    (text: string) => void read(text, 100, limits),
    (text: string) => checkJson(Buffer.from(text), limits),
  ]) {
    say(deep(256));
    expect(() => say(deep(257))).toThrow(tooDeep);
    say(many(1000));
    expect(() => say(many(1001))).toThrow(tooMany);
    say(JSON.stringify("[{,".repeat(5000)));
    say(JSON.stringify('\\"[{,'.repeat(5000)));
  }
  expect(() => read("[".repeat(5_000_000), 16_384)).toThrow(tooDeep);
  expect(() => read("1".repeat(100_000), 16_384)).toThrow(/number that is too long/);
});
