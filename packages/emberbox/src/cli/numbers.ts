import { InvalidArgumentError } from "commander";

const MAX_SECONDS = 2_147_483;

/** Reads seconds; returns milliseconds. */
export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() === "" || !(seconds >= 0 && seconds <= MAX_SECONDS)) {
    throw new InvalidArgumentError(`It must be a number of seconds from 0 to ${MAX_SECONDS}.`);
  }
  return Math.ceil(seconds * 1000);
}

export function parseWhole(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new InvalidArgumentError("It must be a positive whole number.");
  return Number(text);
}

export const parseUpTo =
  (most: number) =>
  (text: string): number => {
    const number = parseWhole(text);
    if (number > most)
      throw new InvalidArgumentError(`It must be a whole number from 1 to ${most}.`);
    return number;
  };

export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (port < 0 || port > 65_535)
    throw new InvalidArgumentError("It must be a port from 0 to 65535.");
  return port;
}

export function parseCount(text: string): number {
  return text === "0" ? 0 : parseWhole(text);
}
