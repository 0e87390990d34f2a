import type { Sandbox } from "@emberbox/core";

const isNumber = (user: string): boolean => /^\d+$/.test(user);

/** What `chown` takes for a user and the group of the same name, or number. */
export const ownerOf = (user = "root"): string => (isNumber(user) ? `${user}:${user}` : `${user}:`);

/** The shell's words for whether there is a user, who is a name or a number, and a complaint if not. */
export const checkLine = (quoted: string): string =>
  `getent passwd -- ${quoted} > /dev/null || { echo no such user: ${quoted} >&2; exit 1; }`;

/** Users of a Dockerfile may be numbers; sandboxes know theirs by names. */
export async function withName<Settings extends { readonly user: string }>(
  settings: Settings,
  sandbox: Sandbox,
  signal: AbortSignal | undefined,
): Promise<Settings> {
  if (!isNumber(settings.user)) return settings;
  const ask = `getent passwd ${settings.user}`;
  const { stdout } = await sandbox.commands.run(ask, { user: "root", cwd: "/", signal });
  return { ...settings, user: stdout.split(":", 1)[0]! };
}
