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

it("sends the main result along with the end of its cell, which says the next number", () => {
  const { channel, lines } = open();
  channel.begin();
  channel.result({ text: "1" }, true);
  expect(lines()).toEqual([]);
  channel.end(4);
  expect(lines()).toEqual([{ type: "result", text: "1", is_main_result: true }, 4]);
});
