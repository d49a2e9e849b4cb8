import * as fs from 'node:fs';

/** Open files of a broker other than those of its log and the sockets of clients. */
const RESERVED_FILES = 48;
/** Minimum limit of open files. */
const LEAST_OPEN_FILES = 96;
/** Maximum number of open files of the log. */
const MOST_LOG_FILES = 16_384;

/** The limit of open files, divided between log and sockets. */
export interface OpenFilesBudget {
  readonly limit: number;
  readonly logFiles: number;
  readonly sockets: number;
}

/** The limit of open files is reached. */
export class OpenFilesError extends Error {
  override readonly name = 'OpenFilesError';
  /** As in the error of the system call: it is treated as a failed write. */
  readonly syscall = 'open';

  constructor(
    readonly code: string,
    limit: number | undefined,
    cause?: unknown,
  ) {
    const known = limit === undefined ? '' : `, which is ${limit}`;
    const which =
      code === 'ENFILE'
        ? "the system's limit of open files (fs.file-max) is reached"
        : `the limit of open files (ulimit -n${known}) is reached`;
    super(which, { cause });
  }
}

/** Divides the limit of this process. @throws TooFewFilesError if it is too low */
export function shareOpenFiles(limit: number | undefined = openFilesLimit()): OpenFilesBudget {
  if (limit === undefined) {
    return { limit: Number.POSITIVE_INFINITY, logFiles: MOST_LOG_FILES, sockets: Number.POSITIVE_INFINITY };
  }
  if (limit < LEAST_OPEN_FILES) throw new TooFewFilesError(limit);
  const logFiles = Math.min(Math.floor((limit - RESERVED_FILES) / 2), MOST_LOG_FILES);
  return { limit, logFiles, sockets: limit - RESERVED_FILES - logFiles };
}

/** The limit of open files is too low to start. */
class TooFewFilesError extends Error {
  override readonly name = 'TooFewFilesError';

  constructor(limit: number) {
    super(
      `the limit of open files (ulimit -n) is ${limit}, and the broker needs at least ${LEAST_OPEN_FILES}`,
    );
  }
}

/** @returns undefined if the limit is unknown, or there is none */
function openFilesLimit(): number | undefined {
  try {
    const limits = fs.readFileSync('/proc/self/limits', 'utf8');
    const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
    return soft === undefined || soft === 'unlimited' ? undefined : Number(soft);
  } catch {
    return limitInReport();
  }
}

/** For systems without /proc. */
function limitInReport(): number | undefined {
  const report = process.report?.getReport() as { userLimits?: { open_files?: { soft: number | string } } };
  const soft = Number(report?.userLimits?.open_files?.soft);
  return Number.isInteger(soft) && soft > 0 ? soft : undefined;
}
