/** Repeats `step` until all bytes have been read or written. */
export async function whole(
  step: (done: number) => Promise<{ bytesRead: number } | { bytesWritten: number }>,
  bytes: number,
): Promise<void> {
  for (let done = 0; done < bytes;) {
    const result = await step(done);
    const moved = "bytesRead" in result ? result.bytesRead : result.bytesWritten;
    if (moved === 0) throw new Error("the file is shorter than it should be");
    done += moved;
  }
}
