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
          ...[
            "xfce4-terminal",
            "thunar",
            "mousepad",
            "dbus-x11",
            "libgtk-3-bin",
            "adwaita-icon-theme",
          ],
          ...["x11vnc", "novnc", "websockify", "net-tools"],
        ],
        { noInstallRecommends: true },
      )
      // Where AVX2 is missing, as in emulated machines, libgcrypt takes it for granted: x11vnc died of its password.
      .runCmd("mkdir -p /etc/gcrypt && echo intel-bmi2 > /etc/gcrypt/hwf.deny", { user: "root" })
      .makeSymlink("/usr/share/novnc", "/opt/noVNC", { user: "root" })
      .setEnvs({ DISPLAY: ":0" }),
};
