import type { NetworkOptions } from "@emberbox/core/network";
import { type FieldsOf, parseOptions, sharedOptions } from "@emberbox/core/options";
import { z } from "zod";
import { type Architecture, architectures } from "../host/architecture.ts";
import { isServer } from "../network/uplink.ts";

/** How the engine on this machine runs sandboxes. */
export interface MicrovmOptions {
  /** Which accelerator runs the machines. `auto` takes KVM where it really works. @default "auto" */
  readonly accelerator?: "auto" | "kvm" | "tcg" | undefined;
  /** Ready sandboxes kept for `create` to hand out, of the default shape. @default { size: 0 } */
  readonly pool?: { readonly size: number } | undefined;
  /**
   * Whether one ready sandbox, of the shape that was wanted last, stands by for a minute after each `create`, so that the
   * next one takes milliseconds. It costs the memory of an idle sandbox. @default true, unless there is a pool
   */
  readonly standby?: boolean | undefined;
  /** False runs QEMU without its jail, with the rights of this program. @default true */
  readonly jail?: boolean | undefined;
  /** Directory of caches and of running sandboxes' files. @default `EMBERBOX_HOME` or the user's cache directory */
  readonly home?: string | undefined;
  /** Whether an image that is missing is built for its first sandbox, unless `EMBERBOX_BUILD` forbids it. @default true */
  readonly buildImages?: boolean | undefined;
  /**
   * What the builds of templates may reach that come as recipes (`java`, `browser`, `desktop`): Debian's packages and npm's.
   * @default true
   */
  readonly buildNetwork?: boolean | NetworkOptions | undefined;
  /** How sandboxes' gateways reach the outside. @default as this program does */
  readonly network?:
    | {
        /** Name servers, as `address` or `address:port`. */
        readonly dnsServers?: readonly string[] | undefined;
        /**
         * Authorities, as PEM, that sandboxes trust besides the default ones, and gateways where they speak TLS themselves:
         * a company's. Those of the file that `EMBERBOX_CA_CERTS` names are added.
         */
        readonly ca?: readonly string[] | undefined;
      }
    | undefined;
  /**
   * Called with each step of long work, such as warming a new shape. An error that it throws stops nothing. @default
   * writes to standard error if that is a terminal
   */
  readonly onProgress?: ((step: string) => void) | undefined;
}

/** With what tests choose besides, which is no public option. */
export interface EngineOptions extends MicrovmOptions {
  /** The processor that machines have; another one than the host's is emulated. @default the host's */
  readonly arch?: Architecture | undefined;
}

const architectureNames = Object.keys(architectures) as Architecture[];

const networkFields: FieldsOf<NonNullable<MicrovmOptions["network"]>> = {
  dnsServers: z
    .array(z.string().refine(isServer))
    .min(1)
    .optional()
    .describe("a list of `address` or `address:port`"),
  ca: z
    .array(z.string().includes("BEGIN CERTIFICATE"))
    .optional()
    .describe("a list of certificates as PEM"),
};
const microvmOptions = z.strictObject({
  accelerator: z.enum(["auto", "kvm", "tcg"]).optional().describe("`auto`, `kvm` or `tcg`"),
  arch: z
    .enum(architectureNames)
    .optional()
    .describe(`one of ${architectureNames.join(", ")}`),
  pool: z
    .strictObject({ size: z.int().min(0).max(64).describe("a whole number from 0 to 64") })
    .optional()
    .describe("`{ size }`, with a size from 0 to 64"),
  standby: z.boolean().optional().describe("true or false"),
  jail: z.boolean().optional().describe("true or false"),
  buildImages: z.boolean().optional().describe("true or false"),
  buildNetwork: sharedOptions.network,
  network: z
    .strictObject(networkFields)
    .optional()
    .describe("`{ dnsServers: addresses, ca: certificates as PEM }`"),
  home: z
    .string()
    .regex(/^[^\0]+$/)
    .optional()
    .describe("the path of a directory"),
  onProgress: z
    .custom<(step: string) => void>((value) => typeof value === "function")
    .optional()
    .describe("a function"),
} satisfies FieldsOf<EngineOptions>);

/** @throws `invalid_argument` */
export function resolveMicrovmOptions(options: MicrovmOptions): EngineOptions {
  return parseOptions(microvmOptions, options);
}
