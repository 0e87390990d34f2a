/** The virtio-serial port of the channel, as the guest finds it. */
export const CHANNEL_PORT_NAME = "emberbox";
/**
 * The port of the requests of mounted volumes. They have a channel of their own, which a thread of its own serves in the
 * guest: whoever serves the other one may itself wait for a file of a volume.
 */
export const VOLUMES_PORT_NAME = "emberbox.volumes";
