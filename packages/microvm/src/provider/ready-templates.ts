import { EmberboxError } from "@emberbox/core";
import type { CreateOptions } from "@emberbox/core/provider";
import { mayBuild } from "../image/may-build.ts";
import { readyTemplate } from "../ready/index.ts";
import type { Snapshot } from "../saved/snapshots.ts";
import type { Engine } from "./engine.ts";
import type { EngineOptions } from "./options.ts";
import type { OwnTemplates } from "./own-templates.ts";

/** A ready-made template, built first if that may be; `undefined` if there is none of that name. @throws `image_missing` */
export async function obtainReady(
  name: string,
  { networkCeiling, signal }: Pick<CreateOptions, "networkCeiling" | "signal">,
  { own, open, settings }: { own: OwnTemplates; open: () => Engine; settings: EngineOptions },
): Promise<Snapshot | undefined> {
  const ready = await readyTemplate(name);
  if (ready === undefined) return undefined;
  const { request, builtAs } = ready;
  const found = await own.find(builtAs);
  if (found) return found;
  if (!(settings.buildImages ?? mayBuild())) throw missing(name);
  const { onProgress } = open();
  await own.build(request, {
    ...{ name: builtAs, network: settings.buildNetwork, networkCeiling, signal },
    onBuildLogs: (log) => {
      if (log.type === "step") onProgress(`${name} ${log.step}/${log.steps}: ${log.text}`);
      if (log.type === "progress") onProgress(`${name}: ${log.text}`);
    },
  });
  return own.find(builtAs);
}

function missing(name: string): EmberboxError {
  return new EmberboxError("image_missing", `the template \`${name}\` has not been built`, {
    hint: `Run \`emberbox build ${name}\`.`,
  });
}
