/**
 * Storage parameters of partitions, which are appended to for about a day and then hardly change. Autovacuum visits them after
 * every so many inserted rows, and freezes what it visits: a complete day is frozen except for its last rows, and is not
 * rewritten when its transaction ids grow old. Migration 014 sets the same in partitions that exist.
 */
const PARTITION_SETTINGS: Readonly<Record<string, string>> = {
  autovacuum_vacuum_insert_scale_factor: '0.02',
  autovacuum_vacuum_insert_threshold: '10000',
  autovacuum_freeze_min_age: '0',
  autovacuum_analyze_scale_factor: '0.05',
};

/** Returns the WITH clause of CREATE TABLE that sets them. */
export function withPartitionSettings(): string {
  const settings = Object.entries(PARTITION_SETTINGS).map(([name, value]) => `${name} = ${value}`);
  return `WITH (${settings.join(', ')})`;
}
