import { Template } from "@emberbox/core";
import type { ReadyTemplate } from "./ready-template.ts";

/** Chromium, and Playwright to drive it from inside. */
export const browser: ReadyTemplate = {
  info: {
    name: "browser",
    languages: ["python", "javascript", "typescript", "bash"],
    libraries: { javascript: ["playwright-core"] },
    system: "Debian 13, Chromium",
  },
  recipe: () =>
    Template()
      .fromBaseImage()
      .aptInstall(["chromium", "chromium-sandbox"], { noInstallRecommends: true })
      .npmInstall("playwright-core@1.65.1"),
};
