/** A file can't be read: the message says why, in one line, without its name. */
export class FileError extends Error {
  override readonly name = 'FileError';
  readonly code = 'FILE_UNREADABLE';
  readonly retryable = false;
}
