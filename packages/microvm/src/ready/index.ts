import { createHash } from "node:crypto";
import { SharedWork } from "@emberbox/core/concurrency";
import type { TemplateInfo } from "@emberbox/core/provider";
import { resolveTemplate, type TemplateRequest } from "@emberbox/core/template";
import { browser } from "./browser.ts";
import { desktop } from "./desktop.ts";
import { java } from "./java.ts";
import { node } from "./node.ts";
import type { ReadyTemplate } from "./ready-template.ts";

const all: readonly ReadyTemplate[] = [node, java, browser, desktop];

/** What the templates have that come as recipes. */
export const readyInfos: readonly TemplateInfo[] = all.map(({ info }) => info);

export const isReadyName = (name: string): boolean => all.some(({ info }) => info.name === name);
/** What a recipe is built as, now or by another version. */
export const isReadyBuild = (name: string): boolean => /^ready-[a-z-]+-[0-9a-f]{16}$/.test(name);

/** A recipe's request, and the name of what is built by it: another recipe has another. */
interface Resolved {
  readonly request: TemplateRequest;
  readonly builtAs: string;
}

const resolved = new SharedWork<Resolved>();

/** A template that comes as a recipe; what it is made of is read once in a program. */
export async function readyTemplate(name: string): Promise<Resolved | undefined> {
  const found = all.find(({ info }) => info.name === name);
  return found && resolved.get(name, () => resolve(found));
}

async function resolve({ info, recipe }: ReadyTemplate): Promise<Resolved> {
  const request = await resolveTemplate(recipe());
  const content = JSON.stringify(request, (key, value: unknown) =>
    key === "source" || key === "origin" ? undefined : value,
  );
  const digest = createHash("sha256").update(content).digest("hex").slice(0, 16);
  return { request, builtAs: `ready-${info.name}-${digest}` };
}
