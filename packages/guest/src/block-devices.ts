import { readdirSync, readFileSync } from "node:fs";

/** The path of the block device with a serial number. @throws if there is none */
export function blockDevice(serial: string): string {
  const name = readdirSync("/sys/block").find((each) => serialOf(each) === serial);
  if (name === undefined) throw new Error(`this machine has no device ${serial}`);
  return `/dev/${name}`;
}

function serialOf(name: string): string | undefined {
  try {
    return readFileSync(`/sys/block/${name}/serial`, "utf8").trim();
  } catch {
    return undefined; // It has none.
  }
}
