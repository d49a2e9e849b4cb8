import { pino, stdSerializers, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

/** JSON lines on stdout, written synchronously, so that no line is lost if the process ends. */
export function createLogger(
  options: { readonly name: string; readonly level: string },
  destination: DestinationStream = pino.destination({ dest: 1, sync: true }),
): Logger {
  return pino(
    {
      name: options.name,
      level: options.level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: serializeError },
    },
    destination,
  );
}

/**
 * Serializes an error for a log line. Transient errors, which are those with `retryable` and system call errors, are logged
 * without a stack, because they do not originate in the code. All others are logged with the stack and the causes.
 */
function serializeError(error: Error): object {
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
