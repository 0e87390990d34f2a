import { z } from "zod";
import { parseCheckpoint, parseCheckpointId, parseProviderBranch } from "./checkpoint-options.ts";
import { EmberboxError } from "./errors.ts";
import { ceilingSchema, networkSchema, refuseNetwork } from "./network.ts";
import { lifetime, parseArgument, sandboxId } from "./options.ts";
import { parsePort } from "./ports.ts";
import type { BuildTemplateOptions, SandboxConnection, SandboxProvider } from "./provider.ts";
import { parseConnect, parseCreate, parsePrepare } from "./sandbox-options.ts";
import {
  parseFork,
  parseList,
  parsePause,
  parseSignal,
  parseSnapshot,
  snapshotId,
} from "./state.ts";
import {
  parseBuildOptions,
  parseTaggedName,
  parseTags,
  parseTemplateName,
  parseTemplateRequest,
} from "./template-options.ts";
import {
  parseCreateVolume,
  parseListVolume,
  parseVolumeId,
  parseVolumeMetadata,
  parseVolumeName,
  parseVolumePath,
  parseVolumeWrite,
  type VolumeFiles,
} from "./volume-options.ts";

/**
 * Wraps a provider so that its methods reject malformed arguments with `invalid_argument`, whoever calls them: ids and
 * names become parts of paths, and numbers become timers.
 */
export function checkedProvider(of: SandboxProvider): SandboxProvider {
  return {
    name: of.name,
    capabilities: of.capabilities,
    create: async (options) => {
      const parsed = parseCreate(options);
      refuseNetwork(of, parsed.network);
      return checkedConnection(await of.create(parsed));
    },
    connect: async (id, options) =>
      checkedConnection(await of.connect(parseId(id), parseConnect(options))),
    list: () => of.list(),
    getInfo: async (id) => of.getInfo(parseId(id)),
    kill: async (id) => of.kill(parseId(id)),
    [Symbol.asyncDispose]: () => of[Symbol.asyncDispose](),
    ...(of.templates && { templates: () => of.templates!() }),
    ...(of.templateSizes && { templateSizes: () => of.templateSizes!() }),
    ...(of.prepare && { prepare: async (options) => of.prepare!(parsePrepare(options)) }),
    ...(of.setTimeout && {
      setTimeout: async (id, timeoutMs) =>
        of.setTimeout!(parseId(id), parseArgument(lifetime, "timeoutMs", timeoutMs)),
    }),
    ...(of.pause && { pause: async (id, options) => of.pause!(parseId(id), parsePause(options)) }),
    ...(of.createSnapshot && {
      createSnapshot: async (id, options) =>
        of.createSnapshot!(parseId(id), parseSnapshot(options)),
    }),
    ...(of.listSnapshots && {
      listSnapshots: async (options) => of.listSnapshots!(parseList(options)),
    }),
    ...(of.deleteSnapshot && {
      deleteSnapshot: async (id, options) =>
        of.deleteSnapshot!(parseArgument(snapshotId, "snapshotId", id), parseSignal(options)),
    }),
    ...(of.fork && {
      fork: async (id, options) =>
        (await of.fork!(parseId(id), parseFork(options))).map(checkedCopy),
    }),
    ...(of.createCheckpoint && {
      createCheckpoint: async (id, options) =>
        of.createCheckpoint!(parseId(id), parseCheckpoint(options)),
    }),
    ...(of.listCheckpoints && {
      listCheckpoints: async (id, options) =>
        of.listCheckpoints!(parseId(id), parseSignal(options)),
    }),
    ...(of.deleteCheckpoint && {
      deleteCheckpoint: async (id, checkpointId, options) =>
        of.deleteCheckpoint!(parseId(id), parseCheckpointId(checkpointId), parseSignal(options)),
    }),
    ...(of.rollback && {
      rollback: async (id, checkpointId, options) =>
        of.rollback!(parseId(id), parseCheckpointId(checkpointId), parseSignal(options)),
    }),
    ...(of.branch && {
      branch: async (id, checkpointId, options) => {
        const parsed = parseProviderBranch(options);
        const made = await of.branch!(parseId(id), parseCheckpointId(checkpointId), parsed);
        return made.map(checkedCopy);
      },
    }),
    ...(of.updateNetwork && {
      updateNetwork: async (id, network) => {
        const parsed = parseArgument(networkSchema, "network", network);
        refuseNetwork(of, parsed);
        await of.updateNetwork!(parseId(id), parsed);
      },
    }),
    ...(of.getNetworkLog && { getNetworkLog: async (id) => of.getNetworkLog!(parseId(id)) }),
    ...(of.addressesOf && {
      addressesOf: async (host, ceiling) =>
        of.addressesOf!(
          parseArgument(hostName, "host", host),
          parseArgument(ceilingSchema, "ceiling", ceiling) ?? true,
        ),
    }),
    ...(of.buildTemplate && {
      buildTemplate: async (request, options) =>
        of.buildTemplate!(parseTemplateRequest(request), checkedBuild(of, options)),
    }),
    ...(of.listTemplates && {
      listTemplates: async (options) => of.listTemplates!(parseSignal(options)),
    }),
    ...(of.deleteTemplate && {
      deleteTemplate: async (name, options) =>
        of.deleteTemplate!(parseTemplateName(name), parseSignal(options)),
    }),
    ...(of.tagTemplate && {
      tagTemplate: async (name, tags, options) =>
        of.tagTemplate!(parseTaggedName(name), parseTags(tags), parseSignal(options)),
    }),
    ...(of.untagTemplate && {
      untagTemplate: async (name, tags, options) =>
        of.untagTemplate!(parseTemplateName(name), parseTags(tags), parseSignal(options)),
    }),
    ...(of.listTemplateTags && {
      listTemplateTags: async (name, options) =>
        of.listTemplateTags!(parseTemplateName(name), parseSignal(options)),
    }),
    ...(of.createVolume && {
      createVolume: async (name, options) =>
        of.createVolume!(parseVolumeName(name), parseCreateVolume(options)),
    }),
    ...(of.listVolumes && { listVolumes: () => of.listVolumes!() }),
    ...(of.getVolume && { getVolume: async (id) => of.getVolume!(parseVolumeId(id)) }),
    ...(of.deleteVolume && { deleteVolume: async (id) => of.deleteVolume!(parseVolumeId(id)) }),
    ...(of.volumeFiles && {
      volumeFiles: (id) => checkedFiles(of.volumeFiles!(parseVolumeId(id))),
    }),
    ...(of.workspaceBaseline && {
      workspaceBaseline: async (digest) =>
        of.workspaceBaseline!(parseArgument(baselineDigest, "digest", digest)),
    }),
    ...(of.setWorkspaceSynced && {
      setWorkspaceSynced: async (id, guest, synced) =>
        of.setWorkspaceSynced!(parseId(id), guest, synced),
    }),
  };
}

function checkedFiles(of: VolumeFiles): VolumeFiles {
  return {
    list: async (path, options) => of.list(parseVolumePath(path), parseListVolume(options)),
    makeDir: async (path, options) => of.makeDir(parseVolumePath(path), parseVolumeWrite(options)),
    getInfo: async (path) => of.getInfo(parseVolumePath(path)),
    updateMetadata: async (path, metadata) =>
      of.updateMetadata(parseVolumePath(path), parseVolumeMetadata(metadata)),
    readFile: async (path, options) => of.readFile(parseVolumePath(path), parseSignal(options)),
    writeFile: async (path, data, options) =>
      of.writeFile(parseVolumePath(path), data, parseVolumeWrite(options)),
    remove: async (path) => of.remove(parseVolumePath(path)),
  };
}

function checkedBuild(of: SandboxProvider, given: unknown): BuildTemplateOptions {
  const options = parseBuildOptions(given);
  refuseNetwork(of, options.network);
  return options;
}

const baselineDigest = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe("a baseline's digest");
const hostName = z.string().min(1).max(253).describe("a host name or an address");
const parseId = (id: unknown): string => parseArgument(sandboxId, "sandboxId", id);

const checkedCopy = (copy: SandboxConnection | EmberboxError): SandboxConnection | EmberboxError =>
  EmberboxError.isInstance(copy) ? copy : checkedConnection(copy);

function checkedConnection(of: SandboxConnection): SandboxConnection {
  return {
    sandboxId: of.sandboxId,
    accessToken: of.accessToken,
    trafficAccessToken: of.trafficAccessToken,
    ...(of.ready && { ready: () => of.ready!() }),
    endpoint: (port, options) => of.endpoint(parsePort(port), options),
    ...(of.url && { url: async (port) => of.url!(parsePort(port)) }),
    gone: () => of.gone(),
    ended: of.ended,
    ...(of.present && { present: () => of.present!() }),
  };
}
