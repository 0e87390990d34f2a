export {
  credentialHeaders,
  isSigned,
  parseUrl,
  refusalOf,
  type Tokens,
  withoutSignature,
} from "./access.ts";
export { type AgentDoor, openAgentDoor } from "./agent-door.ts";
export {
  endConnection,
  type Refusal,
  refusalBody,
  refusals,
  refuseConnection,
  type Target,
} from "./answers.ts";
export { type CertificateOptions, writeCertificate } from "./certificate.ts";
export { createGuarded, type Guard } from "./guarded.ts";
export { maskedHost, requestHeaders } from "./headers.ts";
export { flushHead, type Onward, passOn, passUpgrade } from "./pass.ts";
