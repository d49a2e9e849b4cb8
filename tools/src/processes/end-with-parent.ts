/**
 * Loaded with `--import` before each program of the launcher: when the launcher ends, even by SIGKILL, the program drains
 * as on SIGTERM, so that no process keeps its ports. The program itself needs no code for it.
 */

/** Time limit of the drain after the parent has ended. */
const DRAIN_TIMEOUT_MS = 40_000;

process.once('disconnect', () => {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), DRAIN_TIMEOUT_MS).unref();
  process.kill(process.pid, 'SIGTERM');
});
// A listener would keep the program running after its work is done.
process.channel?.unref();

export {};
