import { describe, expect, it } from "vitest";
import { executeFrame, frame, FROM_KERNEL, FrameReader, MAX_FRAME_BYTES } from "./kernel-frames.ts";

interface Seen {
  kind: number;
  text: string;
}

function read(...chunks: Buffer[]): Seen[] {
  const seen: Seen[] = [];
  const reader = new FrameReader();
  for (const chunk of chunks) {
    reader.push(chunk, (kind, payload) => seen.push({ kind, text: payload.toString() }));
  }
  return seen;
}

function header(length: number, kind: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32BE(length);
  bytes[4] = kind;
  return bytes;
}

describe("frames from a kernel", () => {
  const lines = frame(FROM_KERNEL.output, Buffer.from("line\n"));
  const error = frame(FROM_KERNEL.error, Buffer.from("wrong\n"));
  const end = frame(FROM_KERNEL.end);

  it("come apart when they arrive together", () => {
    expect(read(Buffer.concat([lines, error, end]))).toEqual([
      { kind: FROM_KERNEL.output, text: "line\n" },
      { kind: FROM_KERNEL.error, text: "wrong\n" },
      { kind: FROM_KERNEL.end, text: "" },
    ]);
  });

  it("survive being cut anywhere", () => {
    const bytes = Buffer.concat([lines, error, end, lines]);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const seen = read(bytes.subarray(0, cut), bytes.subarray(cut));
      const output = seen.filter((one) => one.kind === FROM_KERNEL.output).map((one) => one.text);
      expect(output.join("")).toBe("line\nline\n");
      expect(seen.filter((one) => one.kind === FROM_KERNEL.error)).toEqual([
        { kind: 2, text: "wrong\n" },
      ]);
      expect(seen.filter((one) => one.kind === FROM_KERNEL.end)).toHaveLength(1);
    }
  });

  it("survive coming byte by byte", () => {
    const bytes = Buffer.concat([error, end, error]);
    const seen = read(...[...bytes].map((byte) => Buffer.from([byte])));
    expect(seen.map((one) => one.text)).toEqual(["wrong\n", "", "wrong\n"]);
  });

  it("hand output on before it is whole", () => {
    expect(read(Buffer.concat([header(1000, FROM_KERNEL.output), Buffer.from("so far")]))).toEqual([
      { kind: FROM_KERNEL.output, text: "so far" },
    ]);
  });

  it("are refused when their kind is unknown", () => {
    for (const kind of [0, 6, 255]) expect(() => read(header(0, kind))).toThrow(/kind/);
  });

  it("are refused when they announce too much", () => {
    expect(() => read(header(MAX_FRAME_BYTES + 1, FROM_KERNEL.output))).toThrow(/limit/);
    expect(() => read(header(0xffffffff, FROM_KERNEL.output))).toThrow(/limit/);
    expect(() => read(header(9 * 1024 * 1024, FROM_KERNEL.error))).toThrow(/limit/);
  });

  it("never throw anything but an error for random bytes", () => {
    let seed = 1;
    for (let round = 0; round < 500; round++) {
      const bytes = Buffer.from(
        Array.from({ length: 64 }, () => (seed = (seed * 48271) % 2147483647) & 0xff),
      );
      try {
        read(bytes);
      } catch (error_) {
        expect((error_ as Error).message).toMatch(/kind|limit/);
      }
    }
  });
});

describe("executeFrame", () => {
  it("holds the variables and the code", () => {
    const bytes = executeFrame("print('é')", { A: "1" });
    expect(bytes.readUInt32BE(0)).toBe(bytes.length - 5);
    const size = bytes.readUInt32BE(5);
    expect(JSON.parse(bytes.subarray(9, 9 + size).toString())).toEqual({ A: "1" });
    expect(bytes.subarray(9 + size).toString()).toBe("print('é')");
  });

  it("has no variables when none are given", () => {
    expect(executeFrame("1", undefined).readUInt32BE(5)).toBe(0);
  });
});
