import type { Attempt } from "../attempt.ts";
import { addresses } from "./addresses.ts";
import { secretEchoes } from "./echoes.ts";
import { hellos } from "./hellos.ts";
import { names } from "./names.ts";
import { asked } from "./raw.ts";
import { secrets, tunnels } from "./secrets.ts";

/** Against the gateway, by programs with root's rights inside and by an agent that was taken over. */
export const networkAttempts: readonly Attempt[] = [
  ...addresses,
  ...names,
  ...secrets,
  ...secretEchoes,
  ...tunnels,
  ...hellos,
  ...asked,
];
