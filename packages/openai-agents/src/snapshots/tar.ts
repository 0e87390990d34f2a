import {
  type ResolvedSandboxArchiveLimits,
  SandboxArchiveError,
} from "@openai/agents-core/sandbox";

const BLOCK = 512;

/**
 * Refuses anything that is not a tar archive or exceeds the limits. It is unpacked inside the machine, where its paths
 * can do no more harm than the commands of the agent that made it.
 * @throws `SandboxArchiveError`
 */
export function checkTar(bytes: Uint8Array, limits: ResolvedSandboxArchiveLimits | null): void {
  refuseOver("bytes", bytes.length, limits?.maxInputBytes, "input size");
  let members = 0;
  let extracted = 0;
  for (let at = 0; ;) {
    if (at + BLOCK > bytes.length)
      throw new SandboxArchiveError("The workspace's archive is cut short");
    const header = bytes.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) return;
    if (checksum(header) !== octal(header, 148, 8)) {
      throw new SandboxArchiveError("The workspace's archive is not a tar file, or damaged");
    }
    const size = sizeOf(header);
    const member = nameOf(header);
    // The workspace itself is none of its members.
    if (!/^\.?\/?$/.test(member)) members += 1;
    extracted += size;
    refuseOver("members", members, limits?.maxMembers, "member count", member);
    refuseOver("bytes unpacked", extracted, limits?.maxExtractedBytes, "extracted size", member);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}

/** The details are those that the framework's own archives give. */
function refuseOver(
  what: string,
  actual: number,
  limit: number | null | undefined,
  measure: string,
  member?: string,
): void {
  if (limit == null || actual <= limit) return;
  throw new SandboxArchiveError(
    `The workspace's archive has more than the ${limit} ${what} allowed`,
    {
      reason: `archive ${measure} exceeds limit`,
      limit,
      actual,
      ...(member !== undefined && { member }),
    },
  );
}

function nameOf(header: Uint8Array): string {
  const end = header.indexOf(0);
  return Buffer.from(header.subarray(0, Math.min(end < 0 ? 100 : end, 100))).toString();
}

/** Reads a size; sizes over 8 GiB are binary. */
function sizeOf(header: Uint8Array): number {
  if ((header[124]! & 0x80) === 0) return octal(header, 124, 12);
  const value = header.subarray(125, 136).reduce((sum, byte) => sum * 256 + byte, 0);
  if (!Number.isSafeInteger(value))
    throw new SandboxArchiveError("The workspace's archive is damaged");
  return value;
}

function octal(header: Uint8Array, start: number, length: number): number {
  const text = Buffer.from(header.subarray(start, start + length)).toString("latin1");
  const digits = /^ *([0-7]+)[\0 ]/.exec(text)?.[1];
  if (digits === undefined)
    throw new SandboxArchiveError("The workspace's archive is not a tar file, or damaged");
  return Number.parseInt(digits, 8);
}

/** The sum of all bytes, counting those of the checksum itself as spaces. */
function checksum(header: Uint8Array): number {
  return header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0);
}
