import type { HistoryCloseCode } from '@hailstream/events/live';

/** What a thread answers, by name. */
export type AnyCalls<Calls> = {
  readonly [Name in keyof Calls]: { readonly argument: unknown; readonly result: unknown };
};

/** A message to the thread. */
export type CallOf<Calls extends AnyCalls<Calls>> = {
  readonly [Name in keyof Calls]: {
    readonly kind: Name;
    readonly id: number;
    readonly argument: Calls[Name]['argument'];
  };
}[keyof Calls];

/** A message from the thread. `field`: the query parameter that is invalid, if it is one. */
export type ReplyOf<Calls extends AnyCalls<Calls>> =
  | { readonly kind: 'done'; readonly id: number; readonly result: Calls[keyof Calls]['result'] }
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly code: HistoryCloseCode;
      readonly field: string | null;
      readonly message: string;
    };
