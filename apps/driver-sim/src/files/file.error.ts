/** A file cannot be read. The message is the reason, in one line, without the name of the file. */
export class FileError extends Error {
  override readonly name = 'FileError';
  readonly code = 'FILE_UNREADABLE';
  readonly retryable = false;
}
