/** The media type of MDS, and the supported version. */
export const MDS_JSON = 'application/vnd.mds+json';
export const MDS_VERSION = '2.0';

/** Returns the content type of a response; `undefined` if the caller accepts other versions of MDS only. */
export function answerType(accept: string | undefined): string | undefined {
  if (accept === undefined || !accept.includes(MDS_JSON)) return 'application/json; charset=utf-8';
  const ranges = accept.split(',').map((range) => range.trim().toLowerCase());
  const mds = ranges.filter((range) => range.startsWith(MDS_JSON));
  if (mds.some((range) => isSupported(versionOf(range)))) {
    return `${MDS_JSON};version=${MDS_VERSION}`;
  }
  const others = ranges.some((range) => /^(application\/json|application\/\*|\*\/\*)\s*(;|$)/.test(range));
  return others ? 'application/json; charset=utf-8' : undefined;
}

/** Supported media types of bodies. */
export const bodyTypes: readonly string[] = ['application/json', MDS_JSON];

/** Whether a content type is one of {@link bodyTypes}, whatever its parameters. */
export function isBodyType(contentType: string): boolean {
  const [essence = ''] = contentType.split(';');
  return bodyTypes.includes(essence.trim().toLowerCase());
}

const CHARSETS: readonly string[] = ['utf-8', 'utf8', 'us-ascii'];

/** Whether the charset of a content type is UTF-8, a subset of it, or not given. */
export function isJsonInUtf8(contentType: string): boolean {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType)?.[1];
  return charset === undefined || CHARSETS.includes(charset.toLowerCase());
}

/** Returns the content coding of a body; `undefined` if it is not supported. `x-gzip` is gzip (RFC 9110, section 8.4.1.3). */
export function contentCoding(header: string | undefined): 'gzip' | 'identity' | undefined {
  switch (header?.trim().toLowerCase() ?? '') {
    case '':
    case 'identity':
      return 'identity';
    case 'gzip':
    case 'x-gzip':
      return 'gzip';
    default:
      return undefined;
  }
}

function versionOf(range: string): string | undefined {
  return /;\s*version\s*=\s*"?([^";\s]+)/.exec(range)?.[1];
}

/** Whether a version of MDS is supported. Patch versions such as 2.0.2 are. */
function isSupported(version: string | undefined): boolean {
  return version === undefined || version === MDS_VERSION || version.startsWith(`${MDS_VERSION}.`);
}
