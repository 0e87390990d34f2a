import { copyFileSync, cpSync, mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { type Container, inContainer } from "./container.ts";

/** What a Dockerfile makes of a base that is there already: the container, and the command that it runs. */
export interface Built {
  readonly container: Container;
  readonly command: readonly string[];
}

/** Carries out the instructions of a Dockerfile that this project's examples use, and refuses others. */
export async function build(file: string, context: string, base: Container): Promise<Built> {
  const container = { ...base };
  let command: readonly string[] = [];
  for (const line of file.replaceAll(/\\\n/g, " ").split("\n")) {
    const [, instruction, rest = ""] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (line === "" || line.startsWith("#") || instruction === "FROM") continue;
    console.log(`> ${line}`);
    if (instruction === "WORKDIR") {
      mkdirSync(join(container.root, rest), { recursive: true });
      container.directory = rest;
    } else if (instruction === "USER") {
      container.user = rest;
      container.environment = { ...base.environment, HOME: `/home/${rest}` };
    } else if (instruction === "COPY") {
      for (const name of rest.split(" ").slice(0, -1))
        cpSync(join(context, name), join(container.root, container.directory, basename(name)));
    } else if (instruction === "RUN") await runStep(rest, context, container);
    else if (instruction === "CMD") command = JSON.parse(rest) as string[];
    else throw new Error(`Not known here: ${line}`);
  }
  return { container, command };
}

const MOUNT = /^--mount=type=bind,source=(\S+),target=(\S+) /;

async function runStep(step: string, context: string, container: Container): Promise<void> {
  const [mount, source, target] = MOUNT.exec(step) ?? [""];
  const mounted = target && join(container.root, target);
  if (mounted) copyFileSync(join(context, source!), mounted);
  const { code } = await inContainer(container, ["sh", "-c", step.slice(mount.length)]);
  if (mounted) rmSync(mounted);
  if (code !== 0) throw new Error(`RUN ended with ${code}`);
}
