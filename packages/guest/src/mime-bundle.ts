/** One thing that is shown, in several forms, by MIME type. */
export type Bundle = Readonly<Record<string, unknown>>;

/** The field of a result that holds each MIME type; all others go into `extra`. */
const FIELDS: Readonly<Record<string, string>> = {
  "text/plain": "text",
  "text/html": "html",
  "text/markdown": "markdown",
  "image/svg+xml": "svg",
  "image/png": "png",
  "image/jpeg": "jpeg",
  "application/pdf": "pdf",
  "text/latex": "latex",
  "application/json": "json",
  "application/javascript": "javascript",
};

/** The fields of a result line. */
export function fieldsOf(bundle: Bundle): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  const extra: Record<string, unknown> = {};
  for (const [mime, value] of Object.entries(bundle)) {
    const field = FIELDS[mime];
    const data = value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
    if (field === undefined) extra[mime] = data;
    else fields[field] = data;
  }
  return Object.keys(extra).length > 0 ? { ...fields, extra } : fields;
}
