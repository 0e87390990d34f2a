import { type ErrorCode, type ErrorFacts, errorCodes } from "../error-codes.ts";
import { EmberboxError } from "../errors.ts";

/** A failure, described for a model, and what follows from it. */
export interface Failure {
  readonly text: string;
  readonly code: ErrorCode | undefined;
  /** True when the machine, the provider or Emberbox is at fault, so that the developer should know. */
  readonly report: boolean;
}

/** True when a failure means that the sandbox is gone. */
export function isLost(code: unknown): code is ErrorCode {
  return errorCodes[code as ErrorCode]?.kind === "lost";
}

/** Says why there is no sandbox to work in. */
export function explainNoSandbox(error: unknown): Failure {
  if (!EmberboxError.isInstance(error) || modelCan(error) === "retry") return explainFailure(error);
  const text =
    `There is no sandbox to work in (${error.code}), for a reason on the machine that runs it. Nothing was run, ` +
    "and trying again will not help: tell the user. The developer was told what to do.";
  return { text, code: error.code, report: true };
}

/** Says what happened. Messages that may name things outside the sandbox are withheld from the model. */
export function explainFailure(error: unknown, replaced: boolean = true): Failure {
  if (!EmberboxError.isInstance(error)) {
    const text =
      "The tool itself failed; this is not due to what was asked. The developer was told.";
    return { text, code: undefined, report: true };
  }
  const { code } = error;
  switch (modelCan(error)) {
    case "correct":
      return { text: correctText(error), code, report: false };
    case "retry": {
      const text = `The sandbox could not be reached (${code}). The same call may work when it is tried again.`;
      return { text, code, report: true };
    }
    case "restart":
      return { text: restartText(code, replaced), code, report: true };
    default:
      return explainNoSandbox(error);
  }
}

/** Errors of another version of this package may have codes that are not known here. */
function modelCan({ code }: EmberboxError): ErrorFacts["model"] {
  return errorCodes[code]?.model ?? "tell_user";
}

function correctText({ code, message }: EmberboxError): string {
  const { modelText = "" } = errorCodes[code];
  return `Failed (${code}): ${message}. ${modelText}`.replace("..", ".").trim();
}

function restartText(code: ErrorCode, replaced: boolean): string {
  const { meaning, modelText = meaning } = errorCodes[code];
  return (
    `${modelText} Its state is lost: variables, files and processes. ` +
    (replaced
      ? "The next call starts a new, empty sandbox: begin again with what is needed."
      : "There is no other: tell the user.")
  );
}

/** The beginning of the first result from a new sandbox, or from one made of the last checkpoint. */
export function lostNotice(reason: string, recovered: boolean): string {
  return recovered
    ? `Note: the sandbox of the earlier calls is gone (${reason}). This ran in a copy of it, as it was after the last ` +
        "call that gave a result.\n\n"
    : `Note: the sandbox of the earlier calls is gone (${reason}). This ran in a new, empty one: ` +
        "variables, files and processes of earlier calls are lost.\n\n";
}
