import { Template } from "@emberbox/core";
import { LANGUAGE_VARIABLE } from "../build/warm-language.ts";
import { besideModule } from "../host/own-files.ts";
import type { ReadyTemplate } from "./ready-template.ts";

const KERNEL = "/usr/local/share/jupyter/kernels/java";

/** A JDK, and cells in Java whose variables stay. */
export const java: ReadyTemplate = {
  info: {
    name: "java",
    languages: ["java", "python", "javascript", "typescript", "bash"],
    libraries: {},
    system: "Debian 13, JDK 21",
  },
  recipe: () =>
    Template({ fileContextPath: besideModule(import.meta.url, "java") })
      .fromBaseImage()
      .aptInstall(["openjdk-21-jdk-headless"], { noInstallRecommends: true })
      .copy(["Cells.java", "Machine.java", "kernel.py", "kernel.json"], `${KERNEL}/`)
      .runCmd(
        `cd ${KERNEL} && javac -d classes Cells.java Machine.java && jar cf cells.jar -C classes . && rm -r classes`,
        { user: "root" },
      )
      .setEnvs({ [LANGUAGE_VARIABLE]: "java" }),
};
