import { expect, test } from "vitest";
import type { MachineShape } from "../machine/arguments.ts";
import { shapeOf, templateKey } from "./template.ts";

const image = { directory: "", digest: "0123456789abcdef", kernel: "", initrd: "", rootfs: "" };

test("each shape has a key of its own, which tells the shape", () => {
  const shapes: MachineShape[] = (["x64", "arm64"] as const).flatMap((architecture) =>
    (["kvm", "tcg"] as const).map((accelerator) => {
      return { architecture, accelerator, memoryMB: 1024, cpuCount: 2 };
    }),
  );
  const keys = shapes.map((shape) => templateKey({ shape, image, agent: "", qemuStamp: "" }));
  expect(new Set(keys.map((key) => key.split("-").at(-1))).size).toBe(shapes.length);
  expect(keys.map(shapeOf)).toEqual(shapes);
});
