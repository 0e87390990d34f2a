import { EmberboxError } from "@emberbox/core";

/** What Debian's packages are checked against, whichever server they come from. */
export const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

const VARIABLE = "EMBERBOX_DEBIAN_MIRROR";

/**
 * apt's sources for a suite of the mirror that `EMBERBOX_DEBIAN_MIRROR` names, such as `http://mirror.example/debian`,
 * whose security updates are beside it in `debian-security`, as they are on Debian's own servers. None without it.
 */
export function mirrorSources(
  suite: string,
  environment: NodeJS.ProcessEnv = process.env,
): string[] {
  const mirror = environment[VARIABLE];
  if (!mirror) return [];
  // What has spaces or brackets would mean something else to apt.
  if (!/^https?:\/\/[^\s[\]?#]+$/.test(mirror))
    throw new EmberboxError("invalid_argument", `${VARIABLE} is to be a URL of http or https`);
  const base = mirror.replace(/\/+$/, "");
  return [
    `${base} ${suite} main`,
    `${base} ${suite}-updates main`,
    `${base}-security ${suite}-security main`,
  ].map((source) => `deb [signed-by=${KEYRING}] ${source}`);
}
