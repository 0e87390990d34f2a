import {
  type ConnectOptions,
  type CreateOptions,
  type ProviderOptions,
  Sandbox as CoreSandbox,
  type SandboxInfo,
  type SandboxProvider,
} from "@emberbox/core";
import { microvm } from "@emberbox/microvm";

export interface CreateSandboxOptions extends CreateOptions, Partial<ProviderOptions> {}
export interface ConnectSandboxOptions extends ConnectOptions, Partial<ProviderOptions> {}

let shared: SandboxProvider | undefined;

/** The program's own engine: microVMs on this machine, until another provider is given. */
function withProvider<Options extends Partial<ProviderOptions>>(
  options: Options | undefined,
): Options & ProviderOptions {
  const provider = options?.provider ?? (shared ??= microvm());
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
  static override create(
    first?: string | CreateSandboxOptions,
    second?: CreateSandboxOptions,
  ): Promise<Sandbox> {
    return typeof first === "string"
      ? super.create(first, withProvider(second))
      : super.create(withProvider(first));
  }

  /** Connects to a sandbox of this program. @throws `sandbox_not_found` */
  static override connect(id: string, options?: ConnectSandboxOptions): Promise<Sandbox> {
    return super.connect(id, withProvider(options));
  }

  /** The sandboxes that run. */
  static override list(options?: Partial<ProviderOptions>): Promise<SandboxInfo[]> {
    return super.list(withProvider(options));
  }

  /** Kills a sandbox. Resolves to false when there is none with that id. */
  static override kill(id: string, options?: Partial<ProviderOptions>): Promise<boolean> {
    return super.kill(id, withProvider(options));
  }
}
