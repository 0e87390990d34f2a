import { createHash } from "node:crypto";
import type { TemplateInfo } from "@emberbox/core/provider";
import { resolveTemplate, type TemplateRequest } from "@emberbox/core/template";
import { browser } from "./browser.ts";
import { desktop } from "./desktop.ts";
import { java } from "./java.ts";
import type { ReadyTemplate } from "./ready-template.ts";

const all: readonly ReadyTemplate[] = [browser, desktop, java];

/** What the templates have that come as recipes. */
export const readyInfos: readonly TemplateInfo[] = all.map(({ info }) => info);

/** A recipe's request, and the name of what is built by it: another recipe has another. */
export async function readyTemplate(
  name: string,
): Promise<{ request: TemplateRequest; builtAs: string } | undefined> {
  const found = all.find(({ info }) => info.name === name);
  if (found === undefined) return undefined;
  const request = await resolveTemplate(found.recipe());
  const content = JSON.stringify(request, (key, value: unknown) =>
    key === "source" || key === "origin" ? undefined : value,
  );
  const digest = createHash("sha256").update(content).digest("hex").slice(0, 16);
  return { request, builtAs: `ready-${name}-${digest}` };
}
