/**
 * Loaded with `--import` before a program that the launcher starts: when the launcher is gone, even by SIGKILL, the
 * program drains as on SIGTERM, so that nothing is left behind holding ports. The program itself knows nothing of it.
 */

/** Longest drain without a parent. */
const DRAIN_TIMEOUT_MS = 40_000;

process.once('disconnect', () => {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), DRAIN_TIMEOUT_MS).unref();
  process.kill(process.pid, 'SIGTERM');
});
// A listener would keep the program running when all its work is done.
process.channel?.unref();

export {};
