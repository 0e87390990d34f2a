import { EmberboxError, type Sandbox } from "@emberbox/core";
import { Queue } from "@emberbox/core/concurrency";
import type { NetworkOptions, NetworkRule } from "@emberbox/core/network";
import { parseOptions } from "@emberbox/core/options";
import { z } from "zod";
import {
  type NetworkPolicy,
  networkOf,
  policySchema,
  type RequestTransformation,
  ruleOf,
  transformationsSchema,
} from "./network-policy.ts";

type Network = boolean | NetworkOptions;
type Rules = Readonly<Record<string, readonly NetworkRule[]>>;
type Updatable = Pick<Sandbox, "updateNetwork">;

interface Said {
  /** What may be reached; `undefined` when another program said it, and the provider does not tell. */
  readonly access: Network | undefined;
  readonly transformations: readonly RequestTransformation[];
}

const policyOption = z.strictObject({ policy: policySchema });
const transformationsOption = z.strictObject({ transformations: transformationsSchema });

/** What a sandbox may reach and how its requests are changed, which the engine only takes as a whole. */
export class NetworkState {
  readonly #rules: Rules;
  readonly #queue = new Queue();
  #said: Said;

  /** @param rules those that the sandbox was created with, which stay */
  constructor(access: Network | undefined, rules: Rules = {}) {
    this.#rules = rules;
    this.#said = { access, transformations: [] };
  }

  /** Replaces what may be reached. */
  async setPolicy(sandbox: Updatable, policy: NetworkPolicy): Promise<void> {
    const access = networkOf(parseOptions(policyOption, { policy }).policy);
    await this.#change(sandbox, (said) => ({ ...said, access }));
  }

  /** Replaces all transformations. */
  async setTransformations(
    sandbox: Updatable,
    given: readonly RequestTransformation[],
  ): Promise<void> {
    const transformations = parse(given);
    await this.#change(sandbox, (said) => ({ ...said, transformations }));
  }

  /** Adds transformations; for a request that several are for, the later ones win. */
  async addTransformations(
    sandbox: Updatable,
    given: readonly RequestTransformation[],
  ): Promise<void> {
    const more = parse(given);
    await this.#change(sandbox, ({ access, transformations }) => {
      // An agent that is resumed adds what it added before.
      const added = new Set(more.map((each) => JSON.stringify(each)));
      const before = transformations.filter((each) => !added.has(JSON.stringify(each)));
      return { access, transformations: [...before, ...more] };
    });
  }

  #change(sandbox: Updatable, change: (said: Said) => Said): Promise<void> {
    return this.#queue.run(async () => {
      const next = change(this.#said);
      await sandbox.updateNetwork(this.#networkOf(next));
      this.#said = next;
    });
  }

  #networkOf({ access, transformations }: Said): Network {
    if (access === undefined) {
      throw new EmberboxError(
        "unsupported",
        "What this sandbox may reach is not known here, so it cannot be kept: call `setNetworkPolicy` first",
      );
    }
    if (access === false) return false;
    const rules: Record<string, NetworkRule[]> = {};
    for (const [host, list] of Object.entries(this.#rules)) rules[host] = [...list];
    for (const each of transformations) (rules[each.match.host] ??= []).push(ruleOf(each));
    if (Object.keys(rules).length === 0) return access;
    return { ...(typeof access === "object" && access), rules };
  }
}

function parse(given: readonly RequestTransformation[]): readonly RequestTransformation[] {
  const { transformations } = parseOptions(transformationsOption, { transformations: given });
  // Whatever cannot be honoured is said before anything changes.
  transformations.forEach(ruleOf);
  return transformations;
}
