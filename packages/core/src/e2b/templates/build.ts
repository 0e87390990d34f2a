import { setTimeout as delay } from "node:timers/promises";
import type { Dispatcher } from "undici";
import { z } from "zod";
import { notifier } from "../../background.ts";
import { EmberboxError } from "../../errors.ts";
import type { BuildTemplateOptions } from "../../provider.ts";
import type { TemplateRequest } from "../../template-request.ts";
import { segment } from "../../wire/segment.ts";
import { type Api, parseAnswer } from "../api.ts";
import { entrySchema, readEntry } from "./log.ts";
import { apiSteps } from "./steps.ts";
import { uploadFiles } from "./upload.ts";

const askedSchema = z.object({ templateID: z.string(), buildID: z.string() });
const statusSchema = z.object({
  status: z.enum(["building", "waiting", "ready", "error"]),
  logEntries: z.array(entrySchema).nullish(),
  reason: z.object({ message: z.string(), step: z.string().nullish() }).nullish(),
});
const POLL_MS = 300;

export interface BuildOptions extends Pick<
  BuildTemplateOptions,
  "name" | "tags" | "memoryMB" | "cpuCount" | "minFreeDiskMB" | "onBuildLogs" | "signal"
> {
  readonly api: Api;
  readonly dispatcher: Dispatcher;
  /** The service's name for the template that the build begins with. */
  /** What it begins with, as the body of the request has it. */
  readonly from: Readonly<Record<string, unknown>>;
}

/** Has the service build a template: asks for a build, sends its files, starts it, and follows it to its end. */
export async function build(
  request: TemplateRequest,
  { api, dispatcher, name, tags, from, signal, ...options }: BuildOptions,
): Promise<{ templateId: string; buildId: string }> {
  const steps = apiSteps(request);
  const { memoryMB, cpuCount, minFreeDiskMB } = options;
  const body = {
    name,
    ...(tags && { tags }),
    ...(memoryMB !== undefined && { memoryMB }),
    ...(cpuCount !== undefined && { cpuCount }),
    ...(minFreeDiskMB !== undefined && { minFreeDiskMb: minFreeDiskMB }),
  };
  const asked = await api.send({ method: "POST", path: "/v3/templates", body, signal });
  const { templateID: templateId, buildID: buildId } = parseAnswer(askedSchema, asked.body);
  await uploadFiles(request, { api, dispatcher, templateId, signal });
  const path = `/templates/${segment(templateId)}/builds/${segment(buildId)}`;
  const { startCommand: startCmd, readyCommand: readyCmd, freshFrom } = request;
  const started = {
    ...{ ...from, force: freshFrom === 0, steps },
    ...(startCmd !== undefined && { startCmd }),
    ...(readyCmd !== undefined && { readyCmd }),
  };
  await api.send({ method: "POST", path: `/v2${path}`, body: started, signal });
  const tell = notifier("onBuildLogs", options.onBuildLogs);
  for (let offset = 0; ;) {
    const query = { logsOffset: String(offset) };
    const answer = await api.send({ method: "GET", path: `${path}/status`, query, signal });
    const { status, logEntries, reason } = parseAnswer(statusSchema, answer.body);
    const entries = logEntries ?? [];
    offset += entries.length;
    for (const entry of entries) tell(readEntry(entry));
    if (entries.length > 0) continue;
    if (status === "ready") return { templateId, buildId };
    if (status === "error") throw failed(request, reason ?? undefined);
    await delay(POLL_MS, undefined, { ...(signal && { signal }) }).catch(() => {});
    signal?.throwIfAborted();
  }
}

function failed(
  { steps }: TemplateRequest,
  reason: { message: string; step?: string | null | undefined } = { message: "The build failed" },
): EmberboxError {
  const number = /^\d+$/.test(reason.step ?? "") ? Number(reason.step) : 0;
  const origin = steps[number - 1]?.origin;
  const where = origin === undefined ? "" : `${origin}: `;
  return new EmberboxError("template_build_failed", where + reason.message, {
    details: { ...(origin !== undefined && { origin }) },
  });
}
