import {
  type ConnectOptions,
  type CreateOptions,
  e2b,
  EmberboxError,
  type ProviderOptions,
  Sandbox as CoreSandbox,
  type SandboxInfo,
  type SandboxProvider,
  type SnapshotInfo,
} from "@emberbox/core";
import { microvm } from "@emberbox/microvm";

export interface CreateSandboxOptions extends CreateOptions, Partial<ProviderOptions> {}
export interface ConnectSandboxOptions extends ConnectOptions, Partial<ProviderOptions> {}

let shared: SandboxProvider | undefined;

/** Chooses where sandboxes come from when no provider is given. */
const providers: Readonly<Record<string, () => SandboxProvider>> = {
  microvm: () => microvm(),
  e2b: () => e2b(),
};

/** What EMBERBOX_PROVIDER names, else microVMs on this machine. */
function chooseProvider(): SandboxProvider {
  const name = process.env["EMBERBOX_PROVIDER"] || "microvm";
  const choose = Object.hasOwn(providers, name) ? providers[name] : undefined;
  if (choose !== undefined) return choose();
  throw new EmberboxError(
    "invalid_argument",
    `EMBERBOX_PROVIDER is \`${name}\`; the providers are: ${Object.keys(providers).join(", ")}`,
  );
}

/** The program's own provider, until another one is given. */
function withProvider<Options extends Partial<ProviderOptions>>(
  options: Options | undefined,
): Options & ProviderOptions {
  const provider = options?.provider ?? (shared ??= chooseProvider());
  return { ...(options as Options), provider };
}

/**
 * A sandbox: a machine of its own that runs code and commands. Without a `provider` it is a microVM
 * on this machine. `await using` kills it at the end of the scope.
 */
export class Sandbox extends CoreSandbox {
  /** Creates a sandbox. @throws `image_missing`, `qemu_missing`, `unknown_template`, `invalid_argument` */
  static override create(options?: CreateSandboxOptions): Promise<Sandbox>;
  static override create(template: string, options?: CreateSandboxOptions): Promise<Sandbox>;
  static override async create(
    first?: string | CreateSandboxOptions,
    second?: CreateSandboxOptions,
  ): Promise<Sandbox> {
    return typeof first === "string"
      ? super.create(first, withProvider(second))
      : super.create(withProvider(first));
  }

  /** Connects to a sandbox of this program, or resumes a paused one. @throws `sandbox_not_found` */
  static override async connect(id: string, options?: ConnectSandboxOptions): Promise<Sandbox> {
    return super.connect(id, withProvider(options));
  }

  /** The sandboxes that run in this program, and those that are paused. */
  static override async list(options?: Partial<ProviderOptions>): Promise<SandboxInfo[]> {
    return super.list(withProvider(options));
  }

  /** Kills a sandbox. Resolves to false when there is none with that id. */
  static override async kill(id: string, options?: Partial<ProviderOptions>): Promise<boolean> {
    return super.kill(id, withProvider(options));
  }

  /** The snapshots on this machine, the newest first. */
  static override async listSnapshots(
    options?: Partial<Parameters<typeof CoreSandbox.listSnapshots>[0]>,
  ): Promise<SnapshotInfo[]> {
    return super.listSnapshots(withProvider(options));
  }

  /** Deletes a snapshot by id or name. Resolves to false when there is none. */
  static override async deleteSnapshot(
    id: string,
    options?: Partial<Parameters<typeof CoreSandbox.deleteSnapshot>[1]>,
  ): Promise<boolean> {
    return super.deleteSnapshot(id, withProvider(options));
  }
}
