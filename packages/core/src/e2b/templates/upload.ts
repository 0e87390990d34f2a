import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { type Dispatcher, request } from "undici/index.js";
import { z } from "zod";
import { EmberboxError } from "../../errors.ts";
import type { TemplateRequest, TemplateStep } from "../../template-request.ts";
import { segment } from "../../wire/segment.ts";
import { type Api, parseAnswer } from "../api.ts";
import { archived } from "./steps.ts";
import { tarOf } from "./tar.ts";

type WithFiles = TemplateStep & { readonly type: "COPY" | "UNPACK" };

const placeSchema = z.object({
  present: z.boolean(),
  url: z.url({ protocol: /^https?$/ }).nullish(),
  headers: z.record(z.string(), z.string()).nullish(),
});

export interface UploadOptions {
  readonly api: Api;
  readonly dispatcher: Dispatcher;
  readonly templateId: string;
  readonly signal: AbortSignal | undefined;
}

/** Sends the files that a build copies, unless the service has them already. */
export async function uploadFiles(
  { steps, freshFrom = steps.length }: TemplateRequest,
  options: UploadOptions,
): Promise<void> {
  const sent = new Set<string>();
  for (const [index, step] of steps.entries()) {
    if ((step.type !== "COPY" && step.type !== "UNPACK") || sent.has(step.digest)) continue;
    sent.add(step.digest);
    await uploadOne(step, index >= freshFrom, options);
  }
}

async function uploadOne(
  step: WithFiles,
  isFresh: boolean,
  { api, dispatcher, templateId, signal }: UploadOptions,
): Promise<void> {
  const path = `/templates/${segment(templateId)}/files/${step.digest}`;
  const { body } = await api.send({ method: "GET", path, signal });
  const { present, url, headers } = parseAnswer(placeSchema, body);
  if ((present && !isFresh) || !url) return;
  await withArchive(step, async (archive) => {
    const { size } = await stat(archive);
    const answer = await request(url, {
      ...{ method: "PUT", dispatcher, signal: signal ?? null, headersTimeout: 0, bodyTimeout: 0 },
      headers: { ...headers, "content-length": String(size) },
      body: createReadStream(archive),
    });
    await answer.body.dump();
    if (answer.statusCode < 300) return;
    const what = `The service did not take files: it answered with status ${answer.statusCode}`;
    throw new EmberboxError("service_failed", what, { details: { status: answer.statusCode } });
  });
}

/** The length has to be known before the first byte is sent, so the archive is written down. */
async function withArchive(step: WithFiles, use: (archive: string) => Promise<void>) {
  if (step.type === "UNPACK") return use(step.archive);
  const directory = await mkdtemp(join(tmpdir(), "emberbox-upload-"));
  try {
    const archive = join(directory, "files.tar.gz");
    const file = createWriteStream(archive, { mode: 0o600 });
    await pipeline(tarOf(step.entries, archived(step)), createGzip(), file);
    await use(archive);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
