/** The serial number of the read-only block device that workspaces' folders come on. */
export const WORKSPACE_SERIAL = "emberbox-folders";

/**
 * A folder of the host's in the machine. The device's file system has a directory for each, named by its place in the
 * list, from 0 on.
 */
export interface GuestWorkspace {
  /** Where it is to be mounted. */
  readonly path: string;
  /** Whether it can be changed, which changes the sandbox's own disk. */
  readonly isWritable: boolean;
}
