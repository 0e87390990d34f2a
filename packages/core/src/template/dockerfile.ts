import { readFileSync } from "node:fs";
import { EmberboxError } from "../errors.ts";
import { readInstructions } from "./dockerfile-lines.ts";
import { DockerfileStage, type ParsedDockerfile } from "./dockerfile-stage.ts";
import { atOrigin } from "./origin.ts";

/**
 * What a Dockerfile of one stage says, as steps. It begins as root in `/`; unless it chooses them itself, the user and
 * working directory of sandboxes are `user` and `/home/user`, as in E2B.
 * @param name what it is called in errors and origins
 * @throws `invalid_argument`, `invalid_path` and `unsupported`, each beginning with `name:LINE`
 */
export function parseDockerfile(content: string, name = "Dockerfile"): ParsedDockerfile {
  let origin = `${name}:1`;
  try {
    const { instructions, escape } = readInstructions(content);
    const stage = new DockerfileStage(escape);
    for (const instruction of instructions) {
      origin = `${name}:${instruction.line}`;
      stage.add(instruction, origin);
    }
    return stage.finish();
  } catch (error) {
    throw atOrigin(origin, error);
  }
}

/** The text itself when it has several lines or begins with `FROM`, or else the file of that path. @throws `file_not_found` */
export function readDockerfile(contentOrPath: string): { content: string; name: string } {
  if (/\n|^\s*FROM\s/i.test(contentOrPath)) return { content: contentOrPath, name: "Dockerfile" };
  try {
    return { content: readFileSync(contentOrPath, "utf8"), name: contentOrPath };
  } catch (cause) {
    throw new EmberboxError(
      "file_not_found",
      `The Dockerfile cannot be read: ${(cause as Error).message}`,
      {
        cause,
        hint: "Give its path, relative to the working directory of the program, or its text.",
      },
    );
  }
}
