import type { Stats } from "node:fs";

/** What a file takes on its disk; `stat` counts in blocks of 512 bytes. */
export const diskBytes = ({ blocks }: Stats): number => blocks * 512;
