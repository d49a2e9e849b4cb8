import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Browser, chromium, type LaunchOptions } from 'playwright-core';
import { browserEnvironment } from './config.js';

/** Names and paths of installed Chrome and Chromium. */
const COMMANDS = ['google-chrome', 'google-chrome-stable', 'chromium', 'chromium-browser', 'chrome.exe'];
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** WebGL in software, and no sandbox: tests run as root in containers, and open only Hailstream's pages. */
const FLAGS = [
  '--no-sandbox',
  '--no-zygote',
  '--use-gl=angle',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
];

export type TestBrowser = { readonly browser: Browser } & AsyncDisposable;

/** A browser with WebGL: the installed one, otherwise the one in `@sparticuz/chromium` (Linux on x64). */
export async function launchBrowser(): Promise<TestBrowser> {
  const installed = installedBrowser();
  if (installed !== undefined) return launched({ executablePath: installed, args: FLAGS });
  const folder = await mkdtemp(join(tmpdir(), 'hail-browser-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const { executablePath, libraries } = await unpackChromium(folder);
    const options = { executablePath, args: FLAGS };
    // A minimal system lacks libraries that the package includes; the system's own are preferred.
    const browser = await launched(options).catch(() =>
      launched({ ...options, env: { ...browserEnvironment, LD_LIBRARY_PATH: libraries } }),
    );
    return {
      browser: browser.browser,
      async [Symbol.asyncDispose]() {
        await browser[Symbol.asyncDispose]();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function launched(options: LaunchOptions): Promise<TestBrowser> {
  const browser = await chromium.launch({ headless: true, ...options });
  return { browser, [Symbol.asyncDispose]: () => browser.close() };
}

function installedBrowser(): string | undefined {
  const folders = (browserEnvironment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = folders.flatMap((folder) => COMMANDS.map((command) => join(folder, command)));
  return [browserEnvironment['CHROME_PATH'] ?? '', ...candidates, ...PLACES].find(
    (path) => path !== '' && existsSync(path),
  );
}

/** In a separate process: the package unpacks to the temporary folder, which is different there. */
async function unpackChromium(folder: string): Promise<{ executablePath: string; libraries: string }> {
  const script = `
    import chromium, { inflate } from '@sparticuz/chromium';
    import { dirname, join } from 'node:path';
    import { createRequire } from 'node:module';
    const bin = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '..', 'bin');
    const executablePath = await chromium.executablePath(bin);
    const libraries = join(await inflate(join(bin, 'al2023.tar.br')), 'lib');
    console.log(JSON.stringify({ executablePath, libraries }));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    env: { ...browserEnvironment, TMPDIR: folder },
  });
  return JSON.parse(stdout) as { executablePath: string; libraries: string };
}
