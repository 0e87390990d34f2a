import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { FrameReader } from "../kernel-frames.ts";
import { Channel } from "./channel.ts";

/** A channel, and the lines that have left it so far. */
function open(): { channel: Channel; lines(): unknown[] } {
  const directory = mkdtempSync(join(tmpdir(), "channel-"));
  const path = join(directory, "frames");
  const descriptor = openSync(path, "w");
  onTestFinished(() => {
    closeSync(descriptor);
    rmSync(directory, { recursive: true });
  });
  return {
    channel: new Channel(descriptor),
    lines() {
      const lines: unknown[] = [];
      new FrameReader().push(readFileSync(path), (kind, payload) =>
        lines.push(payload.length > 0 ? JSON.parse(payload.toString()) : kind),
      );
      return lines;
    },
  };
}

const number = { type: "number_of_executions", execution_count: 3 };

it("says which execution begins before its code runs", () => {
  const { channel, lines } = open();
  channel.begin(3);
  expect(lines()).toEqual([number]);
});

it("sends the main result along with the end of its cell", () => {
  const { channel, lines } = open();
  channel.begin(3);
  channel.result({ text: "1" }, true);
  expect(lines()).toEqual([number]);
  channel.end();
  expect(lines()).toEqual([number, { type: "result", text: "1", is_main_result: true }, 3]);
});
