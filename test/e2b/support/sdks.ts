import * as latest from "e2b";
import * as oldest from "e2b-2.45";
import * as older from "e2b-2.50";

export type Sdk = typeof latest;

/** The official SDK, unmodified, at its newest version and two older ones; what they export has one shape. */
export const sdks: Readonly<Record<string, Sdk>> = {
  "2.51.0": latest,
  "2.50.0": older as unknown as Sdk,
  "2.45.0": oldest as unknown as Sdk,
};
