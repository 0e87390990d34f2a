import { z } from "zod";

/** Where a mount would take the machine's own away. */
const OWN = /^\/(?:proc|sys|dev|run)(?:\/|$)/;

/** A path at which a sandbox may have a volume or a folder. */
export const mountPath: z.ZodString = z
  .string()
  .max(1024)
  .regex(/^(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+$/)
  .refine((path) => !OWN.test(path));
