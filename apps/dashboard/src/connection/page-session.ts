import type { ProviderSignOut, SessionState, SessionUser } from '@hailstream/events/live';
import { Store } from '../store.js';
import { retryDelayMs } from './connection-state.js';
import { request, sendChange } from './request.js';
import { signIn, type ProviderSignIn, type SignIn, type SignInFailure } from './session.js';

/** What tabs tell each other. `switched`: the user is another one. */
type Message = 'signed-in' | 'signed-out' | 'switched';

interface SessionBrowser {
  /** Shared with the other tabs; `null` if the browser has none. */
  readonly channel: Pick<BroadcastChannel, 'postMessage' | 'addEventListener'> | null;
  readonly reload: () => void;
  /** Opens a page of another site. */
  readonly leave: (url: string) => void;
}

/** The session of this browser, which the tabs share. The page cannot read it: it is in a cookie. */
export class PageSession {
  /** Who is signed in; `null` while that is not known, and without authentication. */
  readonly user = new Store<SessionUser | null>(null);
  /** A link for another user than the one who is signed in. */
  readonly question = new Store<Extract<SignIn, { kind: 'other' }> | null>(null);
  /** Whether the link of this page was not accepted. */
  readonly isLinkInvalid = new Store(false);
  /** Until when this address may not try again, in milliseconds as `Date.now()`; `null` if it may. */
  readonly limitedUntil = new Store<number | null>(null);
  /** Why the user could not be signed in with the identity provider. */
  readonly failure = new Store<SignInFailure | null>(null);
  /** Resolves once the link was answered. Requests wait for it. */
  readonly settled: Promise<void>;

  /**
   * @param link the token of a sign-in link
   * @param browser what the session does with the browser
   * @param ended how signing in with the identity provider has ended
   */
  constructor(
    private readonly link: string | null,
    private readonly browser: SessionBrowser,
    ended: ProviderSignIn | null = null,
  ) {
    if (ended === 'done') this.tell('signed-in');
    else if (ended === 'switched') this.tell('switched');
    else this.failure.set(ended);
    this.settled = link === null ? Promise.resolve() : this.exchange(link);
    void this.settled.then(() => this.load());
  }

  /** Calls the listener when the user has signed out or in with another tab. */
  onOtherTab(listener: (message: Message) => void): void {
    this.browser.channel?.addEventListener('message', ({ data }: MessageEvent) => listener(data as Message));
  }

  /** Ends the session of this browser for the user of the link. */
  async switchUser(): Promise<void> {
    if (this.link === null) return;
    const answer = await signIn(this.link, { replaces: true });
    if (answer.kind === 'failed') return;
    if (answer.kind === 'limited') {
      await this.waitFor(answer.waitMs);
      return;
    }
    this.question.set(null);
    this.tell('switched');
    this.browser.reload();
  }

  /** The address failed to sign in too often: resolves when it may try again. */
  async waitFor(milliseconds: number): Promise<void> {
    this.limitedUntil.set(Date.now() + milliseconds);
    await pause(milliseconds);
    this.limitedUntil.set(null);
  }

  async signOut(): Promise<void> {
    // If the service did not respond, the page says after the reload who is still signed in.
    const answer = await sendChange<ProviderSignOut | null>('/session', { token: null, method: 'DELETE' });
    this.tell('signed-out');
    if (answer.kind === 'ok' && answer.body !== null) this.browser.leave(answer.body.url);
    else this.browser.reload();
  }

  private async exchange(token: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const answer = await signIn(token, { replaces: false });
      switch (answer.kind) {
        case 'signed-in':
          this.user.set(answer.state.user);
          this.tell('signed-in');
          return;
        case 'invalid':
          this.isLinkInvalid.set(true);
          return;
        case 'other':
          this.question.set(answer);
          return;
        case 'limited':
          await this.waitFor(answer.waitMs);
          break;
        case 'failed':
          await pause(retryDelayMs(attempt, Math.random));
      }
    }
  }

  private async load(): Promise<void> {
    for (let attempt = 1; this.user.get() === null; attempt++) {
      const answer = await request<SessionState>('/session', { token: null });
      if (answer.kind === 'ok') {
        this.user.set(answer.body.user);
        return;
      }
      if (answer.kind === 'refused') return;
      await pause(retryDelayMs(attempt, Math.random));
    }
  }

  private tell(message: Message): void {
    this.browser.channel?.postMessage(message);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
