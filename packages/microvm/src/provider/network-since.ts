import type { NetworkLog } from "@emberbox/core/network";

/** What came to a sandbox's network log after it was `then`. */
export function since(then: NetworkLog, now: NetworkLog): NetworkLog {
  const before = new Map(then.refusals.map((each) => [`${each.host} ${each.port}`, each.count]));
  const refusals = now.refusals.flatMap((each) => {
    const count = each.count - (before.get(`${each.host} ${each.port}`) ?? 0);
    return count > 0 ? [{ ...each, count }] : [];
  });
  return {
    allowed: now.allowed - then.allowed,
    refused: now.refused - then.refused,
    open: now.open,
    bytesSent: now.bytesSent - then.bytesSent,
    bytesReceived: now.bytesReceived - then.bytesReceived,
    refusals,
  };
}
