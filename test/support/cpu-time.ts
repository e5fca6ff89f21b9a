// Test support: the processor time of this thread, which says what work costs however busy the machine is.

/** Milliseconds. */
export function cpuTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
