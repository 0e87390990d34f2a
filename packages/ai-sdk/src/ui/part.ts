import { flag, numberOf, objectOf, objectsOf, textOf, type Fields } from "./fields.ts";

/** `writing`: the arguments are still arriving. `asking`: the user must approve the call. */
export type SandboxPartState = "writing" | "asking" | "running" | "done" | "failed" | "denied";

/** A picture to show. */
export interface ViewedPicture {
  /** For an image's `src`: a `data:` URL, or where the picture is stored. */
  readonly src: string;
  readonly mediaType: string;
  /** Its path in the sandbox, when it is a file. */
  readonly path?: string;
}

/** A file in the sandbox that the call created, changed or read, or to which it saved output. */
export interface ViewedFile {
  readonly path: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly change: string;
}

/** A message part, ready to be shown. */
export interface SandboxPartView {
  readonly toolCallId: string;
  /** `run_code`, `run_command`, `read_file`, `write_file`, `edit_file` or `list_files`. */
  readonly kind: string;
  readonly state: SandboxPartState;
  /** The code, the command line or the path; while the model is writing, as much of it as has arrived. */
  readonly subject: string;
  /** The language of the code. */
  readonly language?: string;
  /** While it runs, the latest output; afterwards, the output as the model was told. */
  readonly stdout: string;
  readonly stderr: string;
  /** What the model was told, or why there is nothing. */
  readonly text: string;
  readonly pictures: readonly ViewedPicture[];
  readonly files: readonly ViewedFile[];
  readonly exitCode?: number;
  readonly elapsedMs?: number;
  /** The checkpoint before the call, with `checkpoints`: to undo the call, roll back to it. */
  readonly checkpointId?: string;
}

/** An absolute URL, or a path on the same site. */
const STORED = /^(?:https?:\/\/|\/(?!\/))/;
const PICTURES = /^image\/(?:png|jpeg|gif|webp)$/;

/** A view of a tool part of a UI message; `undefined` for anything that does not belong to a sandbox's tool. */
export function sandboxPart(part: unknown): SandboxPartView | undefined {
  const fields = objectOf(part);
  const output = objectOf(fields["output"]);
  const kind = textOf(objectOf(fields["toolMetadata"])["sandboxTool"]) || textOf(output["tool"]);
  if (kind === "" || textOf(fields["toolCallId"]) === "") return undefined;
  const input = objectOf(fields["input"]);
  const data = output["status"] === "done" ? objectOf(output["data"]) : output;
  const language = textOf(input["language"]) || (kind === "run_code" ? "python" : "");
  const exitCode = numberOf(data["exitCode"]);
  const checkpointId = textOf(data["checkpointId"]);
  const elapsedMs = numberOf(data["durationMs"]) ?? numberOf(data["elapsedMs"]);
  return {
    toolCallId: textOf(fields["toolCallId"]),
    kind,
    state: stateOf(fields, output),
    subject: textOf(input["code"]) || textOf(input["command"]) || textOf(input["path"]),
    ...(language !== "" && { language }),
    stdout: textOf(data["stdout"]),
    stderr: textOf(data["stderr"]),
    text: textOf(output["text"]) || textOf(fields["errorText"]),
    pictures: objectsOf(output["pictures"]).flatMap(pictureOf),
    files: objectsOf(output["files"]).map(fileOf),
    ...(exitCode !== undefined && { exitCode }),
    ...(elapsedMs !== undefined && { elapsedMs }),
    ...(checkpointId !== "" && { checkpointId }),
  };
}

/**
 * The state for components that only know the SDK's states, such as AI Elements: a preliminary output means that the
 * tool is running, and a failed result is an error.
 */
export function toolState(part: unknown): string {
  const fields = objectOf(part);
  const state = textOf(fields["state"]);
  if (state !== "output-available") return state;
  const output = objectOf(fields["output"]);
  if (isRunning(fields, output)) return "input-available";
  return flag(output["isError"]) ? "output-error" : state;
}

function stateOf(fields: Fields, output: Fields): SandboxPartState {
  switch (fields["state"]) {
    case "input-streaming":
      return "writing";
    case "approval-requested":
      return flag(objectOf(fields["approval"])["isAutomatic"]) ? "running" : "asking";
    case "output-denied":
      return "denied";
    case "output-error":
      return "failed";
    case "output-available":
      if (isRunning(fields, output)) return "running";
      return flag(output["isError"]) ? "failed" : "done";
    default:
      return "running";
  }
}

/** The final result is also sent as a preliminary one; it counts as done. */
function isRunning(fields: Fields, output: Fields): boolean {
  return output["status"] === "running" || (flag(fields["preliminary"]) && !output["status"]);
}

function pictureOf(picture: Fields): ViewedPicture[] {
  const mediaType = textOf(picture["mimeType"]);
  const base64 = textOf(picture["base64"]);
  const path = textOf(picture["path"]);
  const url = textOf(picture["url"]);
  const src = STORED.test(url) ? url : base64 && `data:${mediaType};base64,${base64}`;
  if (!PICTURES.test(mediaType) || src === "") return [];
  return [{ src, mediaType, ...(path !== "" && { path }) }];
}

function fileOf(file: Fields): ViewedFile {
  return {
    path: textOf(file["path"]),
    mediaType: textOf(file["mimeType"]),
    sizeBytes: numberOf(file["sizeBytes"]) ?? 0,
    change: textOf(file["change"]),
  };
}
