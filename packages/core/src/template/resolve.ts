import { EmberboxError } from "../errors.ts";
import { TemplateBuilder } from "./builder.ts";
import { type Context, openContext } from "./context.ts";
import { contextFiles } from "./context-files.ts";
import { atOrigin } from "./origin.ts";
import type { TemplateRequest, TemplateStep } from "../template-request.ts";

/**
 * Reads the files that a builder copies, and yields what a provider builds from. Errors begin with the step's origin.
 * @throws `file_not_found`, `invalid_path` and `invalid_argument`, as `contextFiles` does
 */
export async function resolveTemplate(builder: TemplateBuilder): Promise<TemplateRequest> {
  if (!(builder instanceof TemplateBuilder)) {
    throw new EmberboxError(
      "invalid_argument",
      "Expected the template to be what `Template()` returns",
    );
  }
  const { contextPath, ignorePatterns, steps, ...request } = builder.recipe;
  const resolved: TemplateStep[] = [];
  let context: Context | undefined;
  for (const step of steps) {
    if (step.type !== "COPY") {
      resolved.push(step);
      continue;
    }
    try {
      context ??= await openContext(contextPath, ignorePatterns);
      const { type, origin, dest, user, mode } = step;
      resolved.push({ type, origin, dest, user, mode, ...(await contextFiles(context, step)) });
    } catch (error) {
      throw atOrigin(step.origin, error);
    }
  }
  return { ...request, steps: resolved };
}
