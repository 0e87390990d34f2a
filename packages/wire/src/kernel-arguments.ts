/** What the kernel's command line has when a sandbox boots from its disk: nothing of it was kept in memory. */
export const BOOTED_FROM_DISK = "emberbox.from=disk";
