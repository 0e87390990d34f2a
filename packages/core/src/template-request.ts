/** One file, directory or symbolic link that a step copies. */
export interface CopyEntry {
  /** Relative to the destination, with `/`; empty for the destination itself. It never leads out of it. */
  readonly path: string;
  readonly type: "file" | "directory" | "symlink";
  /** Permission bits. */
  readonly mode: number;
  /** The file on this machine. */
  readonly source?: string | undefined;
  /** What a link points to. */
  readonly target?: string | undefined;
}

/** What is done to a template, one after the other. What it was written as is in `origin`. */
export type TemplateStep = { readonly origin?: string | undefined } & (
  | { readonly type: "RUN"; readonly command: string; readonly user?: string | undefined }
  | {
      readonly type: "COPY";
      /** Absolute, or relative to the working directory. */
      readonly dest: string;
      readonly entries: readonly CopyEntry[];
      /** SHA-256 of the entries and of what is in the files, as hexadecimal digits. */
      readonly digest: string;
      /** The owner. @default root, as in Docker */
      readonly user?: string | undefined;
      /** Permission bits of the files, instead of their own. */
      readonly mode?: number | undefined;
    }
  | {
      /** What a client has sent as an archive is copied: it is unpacked inside. */
      readonly type: "UNPACK";
      readonly dest: string;
      /** A compressed tar archive on this machine. */
      readonly archive: string;
      /** A path in it, or a pattern (`*`, `?`, `[a-z]`, `**`). */
      readonly src: string;
      /** SHA-256 that names what is in the archive, as hexadecimal digits. */
      readonly digest: string;
      readonly user?: string | undefined;
      readonly mode?: number | undefined;
    }
  | { readonly type: "ENV"; readonly envs: Readonly<Record<string, string>> }
  | { readonly type: "WORKDIR"; readonly path: string }
  | { readonly type: "USER"; readonly user: string }
);

/** A container image, and what its registry is shown. */
export interface ImageSource {
  /** `NAME[:TAG][@DIGEST]` as in Docker, `oci:DIRECTORY[:TAG]` or `docker-archive:FILE[:TAG]`. */
  readonly image: string;
  /** @default what `docker login` or `skopeo login` have kept */
  readonly username?: string | undefined;
  /** Given with `username`. */
  readonly password?: string | undefined;
}

/** A template to be built. */
export interface TemplateRequest {
  /** The template that it begins with, or a container image. */
  readonly from: string | ImageSource;
  readonly steps: readonly TemplateStep[];
  /** From this step on, nothing that was built before is used. */
  readonly freshFrom?: number | undefined;
  /** Runs when sandboxes of the template begin to exist; it is running already. */
  readonly startCommand?: string | undefined;
  /** Exits with 0 once what `startCommand` started is ready. */
  readonly readyCommand?: string | undefined;
}

/** What happens during a build. */
export type TemplateLog =
  /** A step begins, or is taken from an earlier build. */
  | {
      readonly type: "step";
      /** From 1. */
      readonly step: number;
      readonly steps: number;
      readonly text: string;
      readonly isCached: boolean;
    }
  /** What a step's command prints. */
  | { readonly type: "output"; readonly stream: "stdout" | "stderr"; readonly text: string }
  /** What else is done, such as that the machine is saved. */
  | { readonly type: "progress"; readonly text: string };

/** A build of a template of one's own that has at least one tag. */
export interface BuiltTemplate {
  readonly name: string;
  /** What the build can be called by, as `name:tag`; `default` is what the name alone means. */
  readonly tags: readonly string[];
  /** Changes with each build that has another outcome. */
  readonly buildId: string;
  readonly createdAt: Date;
  /** MiB */
  readonly memoryMB: number;
  readonly cpuCount: number;
  /** Bytes on disk, without what it shares. */
  readonly sizeBytes?: number | undefined;
}

/** A tag of a template of one's own. */
export interface TemplateTag {
  readonly tag: string;
  readonly buildId: string;
  /** When the build got the tag. */
  readonly createdAt: Date;
}

/** The tag of what is built without one, and what a template's name alone means. */
export const DEFAULT_TAG = "default";
