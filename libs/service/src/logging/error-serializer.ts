import { stdSerializers } from 'pino';

/**
 * Serializes an error for a log line. Transient errors, which are those with `retryable` and system call errors, are logged
 * without a stack, because they do not originate in the code. All others are logged with the stack and the causes.
 */
export function serializeError(error: Error): object {
  if (!(error instanceof Error) || !isTransient(error)) return stdSerializers.err(error);
  const { name, message } = error;
  return { type: name, ...('code' in error && { code: error.code }), message: message || reasonsOf(error) };
}

function isTransient(error: Error): boolean {
  if ('retryable' in error) return error.retryable === true;
  if (error instanceof AggregateError)
    return error.errors.every((each) => each instanceof Error && isTransient(each));
  return 'syscall' in error;
}

/** A failed connection to a host with several addresses has one error per address, and an empty message. */
function reasonsOf(error: Error): string {
  return error instanceof AggregateError ? error.errors.map((each: Error) => each.message).join('; ') : '';
}
