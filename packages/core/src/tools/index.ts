// The public API of `@emberbox/core/tools`, from which adapters to agent frameworks are built.
import "../supported-node.ts";

export { createSandboxTools, SandboxTools } from "./create-tools.ts";
export type { SandboxTool, ToolInputs } from "./create-tools.ts";
export { createCheckpointTools } from "./checkpoint-tools.ts";
export type { CheckpointAnswer, CheckpointTool } from "./checkpoint-tools.ts";
export { resolveToolOptions } from "./options.ts";
export type { ToolOptions } from "./options.ts";
export type { ToolLimits } from "./definition.ts";
export { factsOf } from "./facts.ts";
export type { SandboxFacts } from "./facts.ts";
export { callSandbox } from "./call-sandbox.ts";
export type { SandboxCall, SandboxCallOptions } from "./call-sandbox.ts";
export { killCommand, runToEnd, shellExitCode } from "./command.ts";
export type { JsonSchema } from "./arguments.ts";
export type {
  ToolContext,
  ToolData,
  ToolEntry,
  ToolFile,
  ToolName,
  ToolOutput,
  ToolPicture,
  ToolProgress,
  ToolResult,
  ToolTable,
} from "./types.ts";
export { explainFailure } from "./failure.ts";
export type { Failure } from "./failure.ts";
export { BoundedText } from "../bounded-text.ts";
export { toolOutputSchema } from "./output-schema.ts";
export { editBytes } from "./whole-text.ts";
export type { EditedBytes } from "./whole-text.ts";
export { isShowable, pictureProblem, withoutRefused } from "./gate.ts";
export { smallerPicture } from "./smaller.ts";
export type { SmallerPicture, SmallerPictureOptions } from "./smaller.ts";
export { commonLimits, providerLimits } from "./provider-limits.ts";
export type { PictureLimits } from "./provider-limits.ts";
export { asOnTerminal } from "./printed.ts";
export { pictureDataUrl } from "./pictures.ts";
export { mimeType, pictureType } from "./mime.ts";
export { truncate } from "./truncate.ts";
export type { Truncated } from "./truncate.ts";
export { queueOf, shareQueue } from "../sessions/sandbox-queue.ts";
export { mustMakeCheckpoints, SandboxSessions } from "../sessions/sandbox-sessions.ts";
export type {
  AcquireOptions,
  SandboxLease,
  SandboxSessionsOptions,
} from "../sessions/sandbox-sessions.ts";
export { laterPosition, parsePosition } from "../sessions/position.ts";
export type { ConversationPlace, SandboxPosition } from "../sessions/position.ts";
export { callCheckpoints, keepOf } from "../sessions/call-checkpoints.ts";
export type { CallCheckpoints } from "../sessions/call-checkpoints.ts";
export { copyAt } from "../sessions/copy-at.ts";
export type { CopyOptions } from "../sessions/copy-at.ts";
export { putAt } from "../sessions/put-at.ts";
export { Trail } from "../sessions/trail.ts";
export type { CallNote, TrailOptions } from "../sessions/trail.ts";
export { resolveSource } from "../sessions/source.ts";
export type { ResolvedSource, SandboxSource, SessionCreateOptions } from "../sessions/source.ts";
export { NativeTools } from "./native/native-tools.ts";
export { applyDiff } from "./native/diff.ts";
export type { PatchOperation, PatchResult } from "./native/apply-patch.ts";
export type { BashInput } from "./native/bash.ts";
export type { TextEditorInput } from "./native/text-editor.ts";
export type { LocalShellInput, ShellInput, ShellOutput, ShellResult } from "./native/shell.ts";
