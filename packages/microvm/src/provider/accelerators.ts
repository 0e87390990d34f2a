import { EmberboxError } from "@emberbox/core";
import {
  type Accelerator,
  type AcceleratorChoice,
  chooseAccelerator,
  giveUpKvm,
  whyNoKvm,
} from "../host/accelerator.ts";
import { HOST_ARCHITECTURE } from "../host/architecture.ts";
import { programStamp } from "../host/programs.ts";
import type { GuestImage } from "../image/index.ts";
import type { EngineOptions } from "./options.ts";

/** What runs the machines. */
export interface Accelerators {
  /** @throws `boot_failed` when KVM was asked for and QEMU may not open it */
  choose(image: GuestImage): Promise<AcceleratorChoice>;
  /** A machine did not start on `accelerator`. Resolves to whether to go on without it. */
  giveUp(accelerator: Accelerator, error: EmberboxError): Promise<boolean>;
}

export function createAccelerators(
  { accelerator: wanted = "auto", arch = HOST_ARCHITECTURE, jail = true }: EngineOptions,
  { home, qemu }: { readonly home: string; readonly qemu: string },
): Accelerators {
  let hasWarned = false;
  return {
    async choose(image) {
      const foreign =
        arch === HOST_ARCHITECTURE ? undefined : `this machine's processor is no ${arch}`;
      const barred = wanted === "kvm" ? (foreign ?? (await whyNoKvm(jail))) : undefined;
      if (barred !== undefined)
        throw new EmberboxError("boot_failed", `KVM was asked for, but ${barred}`);
      if (wanted !== "auto") return { accelerator: wanted, reason: "it was asked for" };
      if (foreign !== undefined) return { accelerator: "tcg", reason: foreign };
      return chooseAccelerator({ home, qemu, qemuStamp: await programStamp(qemu), image, jail });
    },
    async giveUp(accelerator, error) {
      if (accelerator !== "kvm" || wanted !== "auto") return false;
      const why = error.message.split("\n").slice(0, 3).join(" ");
      await giveUpKvm({ home, qemuStamp: await programStamp(qemu) }, why);
      if (hasWarned) return true;
      hasWarned = true;
      process.emitWarning(
        `KVM failed, so sandboxes are emulated, which is several times slower: ${why}`,
        { type: "EmberboxWarning", detail: "`emberbox doctor --retry` tries KVM again." },
      );
      return true;
    },
  };
}
