import { stdSerializers } from 'pino';

/**
 * An error as log lines have it. What says of itself that it passes (`retryable`), and what the system says of a
 * connection, are told in a line: there is nothing to look up in the code. Of all else, the stack and its causes.
 */
export function serializeError(error: Error): object {
  if (!(error instanceof Error) || !passes(error)) return stdSerializers.err(error);
  const { name, message } = error;
  return { type: name, ...('code' in error && { code: error.code }), message: message || reasonsOf(error) };
}

function passes(error: Error): boolean {
  if ('retryable' in error) return error.retryable === true;
  if (error instanceof AggregateError)
    return error.errors.every((each) => each instanceof Error && passes(each));
  return 'syscall' in error;
}

/** A host with several addresses fails with one error for each, and with no message of its own. */
function reasonsOf(error: Error): string {
  return error instanceof AggregateError ? error.errors.map((each: Error) => each.message).join('; ') : '';
}
