/** Sizes at which sandboxes are booted, in MiB: the heap flag is fixed at boot, the watchdog holds the exact limit. */
const memoryClasses = [64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384]

/** The size in MiB at which a sandbox for a memory limit is booted. */
export function memoryClass(memoryMb: number): number {
  return memoryClasses.find((one) => one >= memoryMb) ?? memoryMb
}
