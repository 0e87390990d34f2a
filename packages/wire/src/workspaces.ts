/** The serial number of the read-only block device that workspaces' folders come on. */
export const WORKSPACE_SERIAL = "emberbox-folders";

/** A folder of the host's in the machine. The device's file system has a directory for each, named by its number. */
export interface GuestWorkspace {
  /** Its place in the list of all workspaces, of which some may not be on the device. */
  readonly number: number;
  /** Where it is to be mounted. */
  readonly path: string;
  /** Whether it can be changed, which changes the sandbox's own disk. */
  readonly isWritable: boolean;
}
