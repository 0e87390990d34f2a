import { setTimeout } from "node:timers/promises";
import { statFd } from "../host/descriptors.ts";
import { fileNode, layerDescriptor, OVERLAY, writtenNode } from "./arguments.ts";
import type { ProcessOptions } from "./process.ts";
import type { Qmp } from "./qmp.ts";

/** The files of a sandbox's disk over the template's. */
export class Disk {
  readonly #qmp: Qmp;
  readonly #spares: { readonly fd: number; readonly descriptor: number }[];
  readonly #layers: number[];
  #top: { readonly fd: number; readonly node: string };

  constructor(
    qmp: Qmp,
    { files, layers = [], spares = [] }: Pick<ProcessOptions, "files" | "layers" | "spares">,
  ) {
    this.#qmp = qmp;
    this.#layers = [...layers];
    this.#top = { fd: files.overlay ?? -1, node: OVERLAY };
    this.#spares = spares.map((fd, index) => ({
      fd,
      descriptor: layerDescriptor(layers.length + index),
    }));
  }

  /** Those that do not change any more, lowest first. */
  get layers(): readonly number[] {
    return this.#layers;
  }

  /** The one that the machine writes to. */
  get top(): number {
    return this.#top.fd;
  }

  /** Whether what was written since the last layer is so much that copies of it should be shared. */
  async isWorthLayer(): Promise<boolean> {
    return this.#spares.length > 0 && (await statFd(this.#top.fd)).size >= WORTH_BYTES;
  }

  /** Makes what was written so far a layer, while the machine stands still; it goes on in a spare file. */
  async addLayer(bytes: number): Promise<void> {
    const { fd, descriptor } = this.#spares.shift()!;
    const node = `${OVERLAY}-${descriptor}`;
    const file = `${node}-file`;
    await this.#qmp.command("blockdev-add", { ...fileNode(file, descriptor, false) });
    await this.#create(node, { driver: "qcow2", file, size: bytes });
    await this.#qmp.command("blockdev-add", { ...writtenNode(node, file) });
    await this.#qmp.command("blockdev-snapshot", { node: this.#top.node, overlay: node });
    this.#layers.push(this.#top.fd);
    this.#top = { fd, node };
  }

  async #create(job: string, options: Record<string, unknown>): Promise<void> {
    await this.#qmp.command("blockdev-create", { "job-id": job, options });
    for (;;) {
      const jobs = (await this.#qmp.command("query-jobs")) as readonly Job[];
      const { status, error } = jobs.find(({ id }) => id === job)!;
      if (error !== undefined) throw new Error(`QEMU: ${error}`);
      if (status === "concluded") break;
      await setTimeout(POLL_MS);
    }
    await this.#qmp.command("job-dismiss", { id: job });
  }
}

interface Job {
  readonly id: string;
  readonly status: string;
  readonly error?: string;
}

/** It is done within one or two ms. */
const POLL_MS = 1;
/** Copying less than this costs less than one more file to look into whenever the disk is read. */
const WORTH_BYTES = 8 * 1024 * 1024;
