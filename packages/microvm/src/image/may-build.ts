import { EmberboxError } from "@emberbox/core";

/** Whether the environment lets an image that is missing be built when it is first used. @throws `invalid_argument` */
export function mayBuild(): boolean {
  const given = process.env["EMBERBOX_BUILD"] ?? "";
  if (given === "" || given === "never") return given === "";
  throw new EmberboxError(
    "invalid_argument",
    `EMBERBOX_BUILD must be "never" or unset, not ${JSON.stringify(given.slice(0, 100))}`,
  );
}
