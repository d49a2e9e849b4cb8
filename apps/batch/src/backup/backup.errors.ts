/** A backup that cannot be read or restored. The database is unchanged. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
  readonly code = 'BACKUP';
  readonly retryable = false;
}
