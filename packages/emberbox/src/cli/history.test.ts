import { expect, test } from "vitest";
import type { CheckpointInfo } from "@emberbox/core/state";
import { drawHistory } from "./history.ts";

const NOW = 1_000_000_000;
const made = (
  checkpointId: string,
  parentId: string | undefined,
  more: Partial<CheckpointInfo> = {},
): CheckpointInfo => ({
  ...{ checkpointId, parentId, sandboxId: "isome", createdAt: new Date(NOW - 90_000), ...more },
});

test("a history is drawn as a tree; what follows in a row stays in a row", () => {
  const history = [
    made("c1", undefined, { label: "begin", sizeBytes: 3 * 1024 * 1024 }),
    made("c2", "c1"),
    made("c3", "c2", { by: "call 1" }),
    made("c4", "c3"),
    made("c5", "c2", { current: true, label: "other\nway" }),
    made("c6", undefined, { damaged: true }),
  ];
  expect(drawHistory(history, NOW)).toBe(
    `├─○ c1  begin  (90 s ago, 3.0 MiB)
│ ○ c2  (90 s ago)
│ ├─○ c3  (90 s ago, by call 1)
│ │ ○ c4  (90 s ago)
│ └─● c5  other way  (90 s ago, current)
└─○ c6  (90 s ago, damaged)
`,
  );
});

test("a history of many thousand steps is drawn, too", () => {
  const history = Array.from({ length: 20_000 }, (_, step) =>
    made(`c${step}`, step > 0 ? `c${step - 1}` : undefined),
  );
  expect(drawHistory(history, NOW).split("\n")).toHaveLength(20_001);
});
