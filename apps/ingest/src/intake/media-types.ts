/** MDS's own media type, with the version of it that this service speaks. */
export const MDS_JSON = 'application/vnd.mds+json';
export const MDS_VERSION = '2.0';

/** Content type of an answer, or `undefined` where every type that the caller takes is another version of MDS. */
export function answerType(accept: string | undefined): string | undefined {
  if (accept === undefined || !accept.includes(MDS_JSON)) return 'application/json; charset=utf-8';
  const ranges = accept.split(',').map((range) => range.trim().toLowerCase());
  const mds = ranges.filter((range) => range.startsWith(MDS_JSON));
  if (mds.some((range) => (versionOf(range) ?? MDS_VERSION) === MDS_VERSION)) {
    return `${MDS_JSON};version=${MDS_VERSION}`;
  }
  const others = ranges.some((range) => /^(application\/json|application\/\*|\*\/\*)\s*(;|$)/.test(range));
  return others ? 'application/json; charset=utf-8' : undefined;
}

/** Whether a request's content type is one that is parsed: JSON, MDS's or plain, in UTF-8. */
export function isJsonInUtf8(contentType: string): boolean {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType)?.[1];
  return charset === undefined || charset.toLowerCase() === 'utf-8' || charset.toLowerCase() === 'us-ascii';
}

function versionOf(range: string): string | undefined {
  return /;\s*version\s*=\s*"?([^";\s]+)/.exec(range)?.[1];
}
