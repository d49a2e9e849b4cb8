import { rename, rm, writeFile } from 'node:fs/promises';

/** How long a token is valid, and when it is replaced. */
const EXPIRES_IN = '15 minutes';
const RENEW_AFTER_MS = 5 * 60_000;
/** Timers do not run while the machine is suspended: the age of the token is compared with the clock this often. */
const CHECK_EVERY_MS = 15_000;

/** A file with a token that is replaced before it expires, until disposal. Only the user may read it. */
export class TokenFile implements AsyncDisposable {
  private writing: Promise<void> = Promise.resolve();
  private readonly timer: NodeJS.Timeout;
  private renewedAt = Date.now();

  private constructor(
    readonly path: string,
    private readonly sign: (expiresIn: string) => Promise<string>,
    private readonly onFailure: (error: unknown) => void,
  ) {
    this.timer = setInterval(() => this.check(), CHECK_EVERY_MS).unref();
  }

  /**
   * @param sign creates a token that expires in this time
   * @param onFailure called when the token cannot be replaced; that is tried again
   */
  static async create(
    path: string,
    sign: (expiresIn: string) => Promise<string>,
    onFailure: (error: unknown) => void,
  ): Promise<TokenFile> {
    await replace(path, await sign(EXPIRES_IN));
    return new TokenFile(path, sign, onFailure);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.timer);
    await this.writing;
    await rm(this.path, { force: true });
  }

  private check(): void {
    const now = Date.now();
    if (now - this.renewedAt < RENEW_AFTER_MS) return;
    const before = this.renewedAt;
    this.renewedAt = now;
    this.writing = this.writing
      .then(async () => replace(this.path, await this.sign(EXPIRES_IN)))
      .catch((error: unknown) => {
        this.renewedAt = before;
        this.onFailure(error);
      });
  }
}

/** Readers see the old or the new token. */
async function replace(path: string, token: string): Promise<void> {
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, `${token}\n`, { mode: 0o600 });
  await rename(unfinished, path);
}
