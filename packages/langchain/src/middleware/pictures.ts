import { HumanMessage, ToolMessage, type BaseMessage } from "@langchain/core/messages";
import { pictureDataUrl, type ToolPicture } from "@emberbox/core/tools";

interface Shown {
  readonly name: string;
  readonly picture: ToolPicture;
}

/**
 * Adds pictures to the messages for a model: after the results of each turn, a message with their pictures as
 * `image_url` parts, the only form that all providers accept. Only the latest ones are added.
 */
export function withPictures(messages: readonly BaseMessage[], maxPictures: number): BaseMessage[] {
  let left = maxPictures;
  const reversed: BaseMessage[] = [];
  for (let end = messages.length; end > 0;) {
    const start = startOfTurn(messages, end);
    const turn = messages.slice(start, end);
    const pictures = turn.flatMap(picturesOf);
    const shown = left === 0 ? [] : pictures.slice(-left);
    left -= shown.length;
    if (shown.length > 0) reversed.push(pictureMessage(shown));
    reversed.push(...turn.toReversed());
    end = start;
  }
  return reversed.toReversed();
}

/** Where the run of tool results that ends at `end` begins; a message that is not a result stands alone. */
function startOfTurn(messages: readonly BaseMessage[], end: number): number {
  let start = end - 1;
  if (!ToolMessage.isInstance(messages[start])) return start;
  while (start > 0 && ToolMessage.isInstance(messages[start - 1])) start -= 1;
  return start;
}

function picturesOf(message: BaseMessage): Shown[] {
  if (!ToolMessage.isInstance(message)) return [];
  const { artifact, name = "a tool" } = message;
  if (!isSandboxArtifact(artifact)) return [];
  return artifact.pictures.map((picture) => ({ name, picture }));
}

/** Also recognizes artifacts restored from a checkpoint. */
function isSandboxArtifact(artifact: unknown): artifact is { pictures: readonly ToolPicture[] } {
  if (typeof artifact !== "object" || artifact === null || !("pictures" in artifact)) return false;
  const { pictures } = artifact;
  return (
    Array.isArray(pictures) &&
    pictures.every(
      (picture) => typeof picture?.base64 === "string" && typeof picture.mimeType === "string",
    )
  );
}

function pictureMessage(shown: readonly Shown[]): HumanMessage {
  const names = [...new Set(shown.map(({ name }) => name))].join(", ");
  const what = shown.length === 1 ? "The picture" : `The ${shown.length} pictures`;
  return new HumanMessage({
    content: [
      { type: "text", text: `(${what} from the results of ${names}, not from the user.)` },
      ...shown.map(({ picture }) => ({
        type: "image_url" as const,
        image_url: { url: pictureDataUrl(picture) },
      })),
    ],
  });
}
