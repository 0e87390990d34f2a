import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { AgentFile } from "@emberbox/guest";
import type { Architecture } from "../host/architecture.ts";
import { withLock } from "../host/lock.ts";
import { programStamp } from "../host/programs.ts";
import type { GuestImage } from "../image/index.ts";
import type { MachineShape } from "../machine/arguments.ts";
import { hashAgent } from "./initrd.ts";
import { loadTemplate, type Template, templateFiles, templateKey } from "./template.ts";
import { UNFINISHED, warmTemplate } from "./warm.ts";

export interface TemplateRequest {
  /** Directory of all templates. */
  readonly templates: string;
  readonly image: GuestImage;
  readonly shape: MachineShape;
  readonly qemu: string;
  readonly jail: boolean;
  readonly onProgress?: ((step: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

type Wanted = Pick<TemplateRequest, "templates" | "image" | "shape" | "qemu">;

/** Where the template of a shape is, or would be. */
async function locate(request: Wanted, agent: string): Promise<{ key: string; directory: string }> {
  const key = templateKey({
    shape: request.shape,
    image: request.image,
    agent,
    qemuStamp: await programStamp(request.qemu),
  });
  return { key, directory: join(request.templates, key) };
}

/** Held while a template is warmed or removed. */
export const lockOfTemplates = (templates: string): string => join(templates, "warming.lock");

/** Imported late: where it was bundled, it cannot be loaded, and the engine says so before. */
async function agentFiles(architecture: Architecture): Promise<AgentFile[]> {
  return (await import("@emberbox/guest")).agentFiles(architecture);
}

/** What each of these templates would be called now: QEMU, the image or the agent may have been replaced meanwhile. */
export async function currentKeys(requests: readonly Wanted[]): Promise<string[]> {
  const agents: Partial<Record<Architecture, Promise<string>>> = {};
  const keyOf = async (request: Wanted): Promise<string> => {
    const { architecture } = request.shape;
    const agent = (agents[architecture] ??= agentFiles(architecture).then(hashAgent));
    return (await locate(request, await agent)).key;
  };
  return Promise.all(requests.map(keyOf));
}

/** The template of a shape, if it has been warmed. */
export async function findTemplate(request: Wanted): Promise<Template | undefined> {
  return loadTemplate({
    ...(await locate(request, hashAgent(await agentFiles(request.shape.architecture)))),
    shape: request.shape,
    image: request.image,
  });
}

/** The template of a shape, warmed first if it is missing. Callers that want the same one wait for each other. */
export async function ensureTemplate(request: TemplateRequest): Promise<Template> {
  const { shape, image, qemu, jail, onProgress, signal } = request;
  const agent = await agentFiles(shape.architecture);
  const { key, directory } = await locate(request, hashAgent(agent));
  const load = (): Promise<Template | undefined> => loadTemplate({ key, directory, shape, image });
  const warm = async (): Promise<Template> => {
    const meanwhile = await load();
    if (meanwhile) return meanwhile;
    await removeUnused(request.templates);
    await warmTemplate({ directory, shape, image, agent, qemu, jail, onProgress, signal });
    return (await load())!;
  };
  const found = await load();
  if (found) return found;
  await mkdir(request.templates, { recursive: true, mode: 0o700 });
  const locked = (path: string, which: string, work: () => Promise<Template>): Promise<Template> =>
    withLock(path, work, {
      ...(signal && { signal }),
      onWait: () => onProgress?.(`waiting for another program that warms ${which}`),
    });
  // Machines that boot at the same time compete for the processor, until none finishes in time.
  const alone = (): Promise<Template> =>
    locked(lockOfTemplates(request.templates), "a template", warm);
  return locked(`${directory}.lock`, "the same template", alone);
}

const UNUSED_MS = 7 * 24 * 60 * 60 * 1000;

/**
 * Removes templates that nobody has used for a week (other shapes, and other versions of the agent or the image), and
 * what a killed program left unfinished. Call it while no template is being warmed.
 */
export async function removeUnused(templates: string): Promise<void> {
  for (const name of await readdir(templates)) {
    const directory = join(templates, name);
    const used = await stat(templateFiles(directory).facts).catch(() => undefined);
    const isUnused = used !== undefined && Date.now() - used.mtimeMs > UNUSED_MS;
    if (isUnused || name.endsWith(UNFINISHED))
      await rm(directory, { recursive: true, force: true });
  }
}
