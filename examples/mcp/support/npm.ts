// Sandboxes may have to fetch packages from where this machine does, which is not always npm's own registry.
import { Sandbox, type SandboxCreateOptions } from "emberbox";
import {
  findRegistry,
  registryEnvs,
} from "../../../packages/microvm/src/network/testing/registry.ts";

const registry = await findRegistry();
const allowOut = [...registry.allowOut, "api.example.com"];
const create = Sandbox.create.bind(Sandbox) as (options?: SandboxCreateOptions) => Promise<Sandbox>;
Sandbox.create = (options) =>
  create({
    network: { allowOut, denyOut: ["0.0.0.0/0"] },
    envs: registryEnvs(registry),
    ...(options as SandboxCreateOptions),
  });
