import { mkdirSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { prepare } from "@emberbox/microvm/internal";
import { run } from "./root.ts";

const workspace = join(import.meta.dirname, "../..");
const LEFT_OUT = new Set([".git", "out"]);

/** Puts a copy of the workspace into `directory/emberbox`. */
export function copyCheckout(directory: string): void {
  const to = join(directory, "emberbox");
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(workspace))
    if (!LEFT_OUT.has(name)) copy(join(workspace, name), to);
}

/** Puts the default template's image into `home`, which becomes a directory of Emberbox. */
export async function copyImage(home: string): Promise<void> {
  const images = join(home, "images");
  mkdirSync(images, { recursive: true, mode: 0o700 });
  const { image } = await prepare();
  copy(image.directory, join(images, basename(image.directory)));
}

function copy(from: string, to: string): void {
  run("cp", "--archive", "--sparse=always", "--reflink=auto", from, to);
}
