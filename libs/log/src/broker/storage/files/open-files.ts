import * as fs from 'node:fs';

/** Open files that a broker needs besides those of its log and its clients' sockets. */
const RESERVED_FILES = 48;
/** Fewer than these are too few to serve anybody. */
export const LEAST_OPEN_FILES = 96;
/** Most files of the log that are open at once, however many the system allows. */
const MOST_LOG_FILES = 16_384;

/** How many files a process may have open, and what of it is whose. */
export interface OpenFilesBudget {
  readonly limit: number;
  readonly logFiles: number;
  readonly sockets: number;
}

/** The process has as many files open as the system allows. */
export class OpenFilesError extends Error {
  override readonly name = 'OpenFilesError';
  /** As of the system's own error: the log could not be written, for a reason that passes. */
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

/** Shares out the open files of this process. @throws OpenFilesError if they are too few */
export function shareOpenFiles(limit: number | undefined = openFilesLimit()): OpenFilesBudget {
  if (limit === undefined) {
    return { limit: Number.POSITIVE_INFINITY, logFiles: MOST_LOG_FILES, sockets: Number.POSITIVE_INFINITY };
  }
  if (limit < LEAST_OPEN_FILES) throw new TooFewFilesError(limit);
  const logFiles = Math.min(Math.floor((limit - RESERVED_FILES) / 2), MOST_LOG_FILES);
  return { limit, logFiles, sockets: limit - RESERVED_FILES - logFiles };
}

/** The limit of open files is too low to start with. */
export class TooFewFilesError extends Error {
  override readonly name = 'TooFewFilesError';

  constructor(limit: number) {
    super(
      `the limit of open files (ulimit -n) is ${limit}, and the broker needs at least ${LEAST_OPEN_FILES}`,
    );
  }
}

/** @returns undefined if the system does not say, or there is none */
function openFilesLimit(): number | undefined {
  try {
    const limits = fs.readFileSync('/proc/self/limits', 'utf8');
    const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
    return soft === undefined || soft === 'unlimited' ? undefined : Number(soft);
  } catch {
    return limitInReport();
  }
}

/** Systems without /proc. */
function limitInReport(): number | undefined {
  const report = process.report?.getReport() as { userLimits?: { open_files?: { soft: number | string } } };
  const soft = Number(report?.userLimits?.open_files?.soft);
  return Number.isInteger(soft) && soft > 0 ? soft : undefined;
}
