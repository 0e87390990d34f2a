import { expect, test } from "vitest";
import { proxySettings } from "./proxy.ts";

test("proxies have the names that apt knows, whichever the environment uses", () => {
  expect(
    proxySettings({
      HTTP_PROXY: "http://upper:1",
      https_proxy: "http://lower:1",
      HTTPS_PROXY: "http://upper:2",
      NO_PROXY: "",
      ALL_PROXY: "http://all:1",
    }),
  ).toEqual({ http_proxy: "http://upper:1", https_proxy: "http://lower:1" });
});
