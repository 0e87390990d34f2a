import { EmberboxError, type Sandbox } from "@emberbox/core";
import { applyDiff } from "@emberbox/core/tools";
import type { ApplyPatchResult, Editor } from "@openai/agents-core";
import { as } from "./files.ts";

/** The largest file that can be edited, in bytes. */
const MAX_BYTES = 10 * 1024 * 1024;

/** Edits files of the workspace, one at a time. The model reads the errors that it throws. */
export function createEditor(
  ready: () => Promise<Sandbox>,
  resolve: (path: string) => string,
  runAs: string | undefined,
  around: (label: string, work: () => Promise<string>) => Promise<string>,
): Editor {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (
    label: string,
    work: (sandbox: Sandbox) => Promise<string>,
  ): Promise<ApplyPatchResult> => {
    const done = last.then(async () => {
      const sandbox = await ready();
      return { output: await around(label, () => work(sandbox)) };
    });
    last = done.catch(() => {});
    return done;
  };
  const user = as(runAs);
  return {
    createFile: ({ path, diff }) =>
      inTurn(`create ${path}`, async ({ files }) => {
        const target = resolve(path);
        if (await files.exists(target, user))
          throw new Error(`${path} is there already; update it instead.`);
        await files.write(target, applyDiff("", diff, "create"), user);
        return `Created ${path}.`;
      }),
    updateFile: ({ path, diff, moveTo }) =>
      inTurn(`update ${path}`, async ({ files }) => {
        const from = resolve(path);
        const to = moveTo === undefined ? from : resolve(moveTo);
        const text = applyDiff(await readText(files, from, path, user), diff, "default");
        await files.write(to, text, user);
        if (to === from) return `Updated ${path}.`;
        await files.remove(from, user);
        return `Updated ${path}, now ${moveTo}.`;
      }),
    deleteFile: ({ path }) =>
      inTurn(`delete ${path}`, async ({ files }) => {
        const target = resolve(path);
        if (!(await files.exists(target, user))) throw new Error(`There is no file ${path}.`);
        if ((await files.getInfo(target, user)).type === "dir")
          throw new Error(`${path} is a directory.`);
        await files.remove(target, user);
        return `Deleted ${path}.`;
      }),
  };
}

async function readText(
  files: Sandbox["files"],
  target: string,
  path: string,
  user: { user?: string },
): Promise<string> {
  try {
    const { size } = await files.getInfo(target, user);
    if (size > MAX_BYTES) throw new Error(`${path} is too large to be edited here; use a command.`);
    const bytes = await files.read(target, { ...user, format: "bytes" });
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (EmberboxError.isInstance(error) && error.code === "file_not_found")
      throw new Error(`There is no file ${path}.`, { cause: error });
    if (error instanceof TypeError) throw new Error(`${path} is not UTF-8 text.`, { cause: error });
    throw error;
  }
}
