import { Template } from "@emberbox/core";
import type { ReadyTemplate } from "./ready-template.ts";

/** What a desktop needs that `@e2b/desktop` drives: a screen, Xfce, and a way to watch it. */
export const desktop: ReadyTemplate = {
  info: {
    name: "desktop",
    languages: ["python", "javascript", "typescript", "bash"],
    libraries: {},
    system: "Debian 13, Xfce",
  },
  recipe: () =>
    Template()
      .fromBaseImage()
      .aptInstall(
        [
          ...["xvfb", "x11-utils", "x11-xserver-utils", "xdotool", "scrot", "xdg-utils"],
          ...["xfce4-session", "xfwm4", "xfdesktop4", "xfce4-panel", "xfce4-settings"],
          ...["xfce4-terminal", "thunar", "dbus-x11", "libgtk-3-bin", "adwaita-icon-theme"],
          ...["x11vnc", "novnc", "websockify"],
        ],
        { noInstallRecommends: true },
      )
      .makeSymlink("/usr/share/novnc", "/opt/noVNC", { user: "root" })
      .setEnvs({ DISPLAY: ":0" }),
};
