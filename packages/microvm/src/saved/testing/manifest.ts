import type { Manifest } from "../manifest.ts";

const kinds = ["ram", "disk", "overlay", "initrd", "kernelHead", "kernel", "rootfs"] as const;
const files = ["ram", "disk.qcow2", "overlay.qcow2", "initrd", "kernel-head", "kernel", "rootfs"];
/** Of a sandbox that was paused at the beginning of 2026. */
export const manifest: Manifest = {
  format: 7,
  createdAt: "2026-01-02T03:04:05.000Z",
  sandboxId: "isome",
  accessToken: "a".repeat(64),
  startedAt: "2026-01-02T03:04:05.000Z",
  options: {
    ...{ template: "default", memoryMB: 1024, cpuCount: 1, diskMB: 4096, timeoutMs: 1000 },
    envs: { A: "1" },
    metadata: {},
    access: { network: true, ingress: {} },
  },
  architecture: "x64",
  accelerator: "tcg",
  qemuStamp: "stamp",
  qemu: "QEMU 7.2",
  templateKey: "key",
  imageDigest: "digest",
  kernelArguments: "console=ttyS0",
  readOnlyRam: false,
  base: Object.fromEntries(kinds.map((kind, index) => [kind, `/base/${files[index]}`])) as never,
  memory: {
    state: { name: "state", bytes: 1, sum: 1 },
    over: "template",
    layers: [{ name: `memory-${"0".repeat(16)}`, home: `/h/memory-${"0".repeat(16)}`, bytes: 1 }],
  },
  disk: [
    {
      name: `disk-${"0".repeat(16)}.qcow2`,
      home: `/h/disk-${"0".repeat(16)}.qcow2`,
      bytes: 1,
      sum: 1,
    },
  ],
};
