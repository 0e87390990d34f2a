import { pipeline, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { redact, Redactor } from "./redact.ts";
import { createTraces, type Traces } from "./traces.ts";
import { MessageRedactor } from "./web-socket.ts";

const tracesOf = (...values: string[]): Traces =>
  createTraces(
    values.map((value) => Buffer.from(value)),
    Math.max(...values.map(({ length }) => length)) * 3 - 1,
  );

/** What comes out for each part that goes in, and at the end. */
function parts(traces: Traces, chunks: readonly string[]): string[] {
  const redactor = new Redactor(traces);
  const out = chunks.map((chunk) => {
    redactor.write(chunk);
    return String(redactor.read() ?? "");
  });
  redactor.end();
  return [...out, String(redactor.read() ?? "")];
}

const cleaned = (text: string, ...values: string[]): string =>
  redact(Buffer.from(text), tracesOf(...values)).toString();

test("values are overwritten wherever they are, overlapping and beside others too", () => {
  expect(cleaned("a correct-horse b", "correct-horse")).toBe("a ************* b");
  expect(cleaned("correct-horsecorrect-horse", "correct-horse")).toBe("*".repeat(26));
  expect(cleaned("correct-hocorrect-horse", "correct-horse")).toBe("correct-ho*************");
  // A value that repeats itself, after a part of itself.
  expect(cleaned("xabcabcabcx", "abcabc")).toBe("x*********x");
  expect(cleaned("the longer, the long", "the long", "long")).toBe("********er, ********");
  expect(cleaned("ushers", "she", "he", "hers")).toBe("u*****");
});

test("with ever so many cuts all of a value is found", () => {
  const text = `{"key":"correct-horse"}\ncorrect-horse\n`;
  for (let one = 0; one < text.length; one++) {
    for (let other = one; other < text.length; other++) {
      const cut = [text.slice(0, one), text.slice(one, other), text.slice(other)].filter(Boolean);
      expect(parts(tracesOf("correct-horse"), cut).join("")).toBe(
        text.replaceAll("correct-horse", "*".repeat(13)),
      );
    }
  }
});

describe("how much goes on when is the same whatever the value is", () => {
  const guess = "sk-live-51HxAbCd";
  const values = [
    guess,
    "sk-live-51HxAbCe",
    "sk-live-XXXXXXXX",
    "entirely-differs",
    "dCbAxH15-evil-ks",
  ];
  const text = `before ${guess.slice(0, 9)}|${guess}|${guess.slice(0, 15)}`;
  const cuts = Array.from({ length: text.length }, (_each, at) => at);
  test.each(cuts)("with a cut at %i", (cut) => {
    for (const end of ["", "\n", " and more of it that goes on for long, long, long, long"]) {
      const chunks = [text.slice(0, cut), text.slice(cut), end].filter(Boolean);
      const [first, ...others] = values.map((value) =>
        parts(tracesOf(value), chunks).map(({ length }) => length),
      );
      for (const each of others) expect(each).toEqual(first);
    }
  });

  test("a line that has ended goes on at once, and all else but for its last bytes", () => {
    const traces = tracesOf(guess);
    const said = parts(traces, ["data: sk-live-\n\n", `data: ${"x".repeat(100)}`, "y"]);
    expect(said.map(({ length }) => length)).toEqual([16, 106 - traces.hold, 1, traces.hold]);
  });
});

const frame = (first: number, text: string, length = text.length): Buffer => {
  const head =
    length < 126 ? [first, length] : [first, 126, Math.floor(length / 256), length % 256];
  return Buffer.concat([Buffer.from(head), Buffer.from(text)]);
};
const frames = (text: string): Buffer =>
  Buffer.concat([
    frame(0x81, `{"key":"${text}"}`),
    frame(0x01, text.slice(0, 5)),
    frame(0x89, `ping ${text}`),
    frame(0x00, ""),
    frame(0x80, text.slice(5) + "x".repeat(300)),
    frame(0x88, `\u0003${text}`),
  ]);

describe("WebSocket", () => {
  const value = "correct-horse";
  const through = (bytes: Buffer, size: number): Promise<Buffer> => {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_each, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    );
    return buffer(pipeline(Readable.from(chunks), new MessageRedactor(tracesOf(value)), () => {}));
  };
  const covered = "*".repeat(value.length);

  test.each([1, 2, 3, 7, 1000])("messages in parts of %i bytes", async (size) => {
    const said = await through(frames(value), size);
    expect(said.length).toBe(frames(covered).length);
    expect(said.toString("latin1")).not.toMatch(/corre|horse/);
    // What is outside an unfinished message does not wait for its end.
    expect(said.indexOf("ping")).toBeLessThan(said.indexOf("x".repeat(300)));
  });

  test.each([
    ["packed", frame(0xc1, "x")],
    ["masked", Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0])],
    ["too long", Buffer.from([0x81, 127, 0, 0, 0, 0, 1, 0, 0, 0])],
    ["in too many parts", Buffer.concat(Array.from({ length: 20_000 }, () => frame(0x00, "")))],
  ])("frames that are %s end it", async (_what, bytes) => {
    await expect(through(bytes, 4096)).rejects.toThrow(/packed|masked|too long/);
  });
});
