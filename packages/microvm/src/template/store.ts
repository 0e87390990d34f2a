import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { agentFiles } from "@emberbox/guest";
import type { GuestImage } from "../image/index.ts";
import { withLock } from "../lock.ts";
import type { MachineShape } from "../machine/arguments.ts";
import { programStamp } from "../qemu.ts";
import { hashAgent } from "./initrd.ts";
import { loadTemplate, type Template, templateKey } from "./template.ts";
import { warmTemplate } from "./warm.ts";

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

/** The template of a shape, if it has been warmed. */
export async function findTemplate(request: Pick<TemplateRequest, "templates" | "image" | "shape" | "qemu">): Promise<Template | undefined> {
  const agent = await hashAgent(await agentFiles());
  const key = templateKey({ shape: request.shape, image: request.image, agent, qemuStamp: programStamp(request.qemu) });
  return loadTemplate({ key, directory: join(request.templates, key), shape: request.shape, image: request.image });
}

/** The template of a shape, warmed first when it is not there. Two that want the same one wait for each other. */
export async function ensureTemplate(request: TemplateRequest): Promise<Template> {
  const found = await findTemplate(request);
  if (found) return found;
  const files = await agentFiles();
  const agent = await hashAgent(files);
  const key = templateKey({ shape: request.shape, image: request.image, agent, qemuStamp: programStamp(request.qemu) });
  const directory = join(request.templates, key);
  const { shape, image, qemu, jail, onProgress, signal } = request;
  await mkdir(request.templates, { recursive: true, mode: 0o700 });
  return withLock(`${directory}.lock`, async () => {
    const meanwhile = await findTemplate(request);
    if (meanwhile) return meanwhile;
    await removeOutdated(request.templates, key);
    await warmTemplate({ directory, shape, image, agent: files, qemu, jail, onProgress, signal });
    const made = await findTemplate(request);
    if (!made) throw new Error("the template that was just made is not there");
    return made;
  }, { ...(signal && { signal }), onWait: () => onProgress?.("waiting for another program that warms the same template") });
}

/** A template of the same shape with another agent, image or QEMU cannot be used any more. */
async function removeOutdated(templates: string, key: string): Promise<void> {
  const shape = key.replace(/[0-9a-f]{16}$/, "");
  for (const name of await readdir(templates)) {
    if (name.startsWith(shape) && !name.startsWith(key) && !name.endsWith(".lock")) await rm(join(templates, name), { recursive: true, force: true });
  }
}
