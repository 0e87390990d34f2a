import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Qmp, QmpEvent } from "../machine/qmp.ts";
import { receiveState } from "./save.ts";

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-save-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A machine that saves `state` where it is told to, and says that it has. */
function machine(state: string): Qmp {
  const listeners: ((event: QmpEvent) => void)[] = [];
  return {
    on: (listener) => void listeners.push(listener),
    async command(name, args) {
      if (name !== "migrate") return;
      connect(String(args!["uri"]).slice("unix:".length))
        .on("error", () => {})
        .end(state, () => {
          for (const listener of listeners)
            listener({ event: "MIGRATION", data: { status: "completed" } });
        });
    },
  };
}

test("the state is written to its file", async () => {
  const place = scratch();
  const path = join(place, "state");
  await using receiver = await receiveState(path, place);
  await receiver.save(machine("device state"), receiver.shared.path);
  expect(readFileSync(path, "utf8")).toBe("device state");
});

test("a machine that ends meanwhile fails the work, and nothing else", async () => {
  const place = scratch();
  await using receiver = await receiveState(join(place, "state"), place);
  const ended: Qmp = { on: () => {}, command: () => Promise.reject(new Error("QEMU ended")) };
  await expect(receiver.save(ended, receiver.shared.path)).rejects.toThrow("QEMU ended");
});

test("a full disk fails the work, and nothing else", async () => {
  const place = scratch();
  await using receiver = await receiveState("/dev/full", place);
  const { on, command } = machine("x".repeat(1_000_000));
  // It goes on for a while after the disk is full.
  const slow: Qmp = { on: (listener) => setTimeout(on, 100, listener), command };
  await expect(receiver.save(slow, receiver.shared.path)).rejects.toThrow("ENOSPC");
});
