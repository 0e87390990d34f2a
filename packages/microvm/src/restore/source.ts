import type { SummedFile } from "../host/summed-file.ts";
import type { SavedMount } from "../volumes/channel.ts";
import type { Template } from "../template/template.ts";
import type { FolderImage } from "../workspaces/store.ts";

export interface MemoryLayer {
  readonly name: string;
  /** Where the layer was first written: it may still be there, to be linked again. */
  readonly home: string;
  readonly bytes: number;
}

export interface DiskLayer extends SummedFile {
  readonly home: string;
}

/** A layer and where it is now; it never changes, and its name is never used again. */
export interface StoredLayer<Layer> {
  readonly path: string;
  readonly layer: Layer;
}

/** Layers of a disk that a machine is made with, and that it may have when it goes on: each read looks through them. */
export const MAX_DISK_LAYERS = 16;

/** What a machine is made from: a template, and what was saved of a sandbox on top of it. */
export interface Source {
  readonly template: Template;
  /** Disk layers over the template's disk, lowest first. */
  readonly layers: readonly StoredLayer<DiskLayer>[];
  /** The disk to begin with: empty, or a paused sandbox's own. It is copied. */
  readonly overlay: string;
  /** Size of the disk as the machine knows it, MiB. */
  readonly diskMB: number;
  readonly start: Start;
  /** What its kernel knows of the volumes that it has mounted already. */
  readonly mounts?: readonly SavedMount[] | undefined;
  /** The image of the host's folders that it has. */
  readonly workspace?: FolderImage | undefined;
}

export type Start =
  /** Continues where the template was saved. */
  | { readonly how: "sandbox" }
  /**
   * Continues where another sandbox was saved: device state, and memory layers over the template's memory or over
   * zeroes.
   */
  | {
      readonly how: "resumed";
      readonly state: Buffer;
      readonly memory: readonly StoredLayer<MemoryLayer>[];
      readonly over: "template" | "nothing";
    }
  /** Boots from its disk; `warm`, with all that it would otherwise load when it is first asked for. */
  | { readonly how: "booted"; readonly warm?: boolean };

export const isWarm = (start: Start): boolean => start.how === "booted" && start.warm === true;

/** Whether a machine has no template's memory: what it has written to is all there is. */
export const hasBlankMemory = ({ start }: Source): boolean =>
  start.how === "booted" || (start.how === "resumed" && start.over === "nothing");
