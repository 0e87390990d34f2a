import { EmberboxError } from "@emberbox/core";
import {
  type Capabilities,
  checkedProvider,
  type SandboxProvider,
  templatesOf,
} from "@emberbox/core/provider";

/**
 * Sandboxes of several providers, such as servers on several computers, which take turns at creating them. The
 * providers stay yours: disposing of this one closes none of them. @throws `invalid_argument` without providers
 */
export function spread(providers: readonly SandboxProvider[]): SandboxProvider {
  if (providers.length === 0) {
    throw new EmberboxError("invalid_argument", "Expected at least one provider");
  }
  const allCan = (capability: keyof Capabilities): boolean =>
    providers.every(({ capabilities }) => capabilities[capability] === true);
  const ownerOf = async (sandboxId: string): Promise<SandboxProvider> => {
    for (const provider of providers) {
      try {
        await provider.getInfo(sandboxId);
        return provider;
      } catch (error) {
        const isElsewhere = EmberboxError.isInstance(error) && error.code === "sandbox_not_found";
        if (!isElsewhere) throw error;
      }
    }
    throw new EmberboxError("sandbox_not_found", `no provider has a sandbox \`${sandboxId}\``);
  };
  let turn = 0;

  return checkedProvider({
    name: "spread",
    capabilities: Object.freeze({
      setTimeout: allCan("setTimeout"),
      network: allCan("network"),
      // These have no method below, so they are not claimed.
      pause: false,
      snapshots: false,
      fork: false,
      updateNetwork: false,
    }),
    // They are alike: the first speaks for all.
    templates: () => templatesOf(providers[0]),
    create: (options) => providers[turn++ % providers.length]!.create(options),
    connect: async (sandboxId, options) => (await ownerOf(sandboxId)).connect(sandboxId, options),
    list: async () => (await Promise.all(providers.map((each) => each.list()))).flat(),
    getInfo: async (sandboxId) => (await ownerOf(sandboxId)).getInfo(sandboxId),
    async kill(sandboxId) {
      const killed = await Promise.all(providers.map((each) => each.kill(sandboxId)));
      return killed.includes(true);
    },
    ...(allCan("setTimeout") && {
      setTimeout: async (sandboxId, timeoutMs) =>
        (await ownerOf(sandboxId)).setTimeout!(sandboxId, timeoutMs),
    }),
    async [Symbol.asyncDispose]() {},
  });
}
