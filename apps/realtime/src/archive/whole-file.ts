import { open, rename } from 'node:fs/promises';

/** What the names of files end with that were not completed. */
export const TEMPORARY = '.tmp';

/** Writes a file that is complete, and on the disk, once it has its name. Returns its size. */
export async function writeWhole(file: string, parts: readonly Buffer[]): Promise<number> {
  const temporary = `${file}${TEMPORARY}`;
  const handle = await open(temporary, 'w');
  try {
    await handle.writev([...parts]);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  return parts.reduce((sum, { length }) => sum + length, 0);
}
