import type { Client, SendToRoom } from './client.js';
import { deliver, type FrameMessage } from './frame-message.js';
import type { Room } from './rooms.js';

/** Clients that are sent the same answer are in this room meanwhile. */
const ANSWER_ROOM = 'answer';

interface Answer {
  readonly kind: 'snapshot' | 'resumed';
  readonly message: FrameMessage;
}

interface AnswerSource {
  /** `null` if it is too much for one message. */
  snapshot(room: Room): FrameMessage | null;
  /** What changed in a room after a sequence; `null` if that is not known, or too much. */
  changesSince(room: Room, sequence: number): FrameMessage | null;
}

/** Numbers of answers. */
interface AnswerCounts {
  readonly snapshot: number;
  readonly resumed: number;
}

/**
 * The answers to clients that need the state of a room: a snapshot, or a frame that continues the state that they have. Each is
 * made once per tick, and its bytes are shared by the clients that are answered together.
 */
export class Answers {
  /** Made since the last tick, by the sequence that they continue; snapshots by `null`. */
  private readonly made = new Map<Room, Map<number | null, Answer | null>>();
  private readonly unsent = new Map<Answer, Client[]>();
  private counts = { snapshot: 0, resumed: 0 };

  constructor(
    private readonly source: AnswerSource,
    private readonly sendToRoom: SendToRoom,
  ) {}

  /**
   * Adds the answer to a client that has the state of a sequence, or of none that is known. Returns false if it is too much for
   * one message.
   */
  add(client: Client, room: Room, sequence: number | null): boolean {
    const answer = this.answerOf(room, sequence);
    if (answer === null) return false;
    this.counts[answer.kind] += 1;
    const clients = this.unsent.get(answer);
    if (clients === undefined) this.unsent.set(answer, [client]);
    else clients.push(client);
    return true;
  }

  /** Sends the answers that were added. */
  send(): void {
    for (const [{ message }, clients] of this.unsent) {
      const [first, ...others] = clients;
      if (others.length === 0) {
        deliver(message, (...sent) => first?.send(...sent));
        continue;
      }
      for (const client of clients) client.join(ANSWER_ROOM);
      deliver(message, (...sent) => this.sendToRoom(ANSWER_ROOM, ...sent));
      for (const client of clients) client.leave(ANSWER_ROOM);
    }
    this.unsent.clear();
  }

  /** Forgets what was made: the rooms have changed. */
  forget(): void {
    this.made.clear();
  }

  /** The numbers of answers since the last call. */
  takeCounts(): AnswerCounts {
    const { counts } = this;
    this.counts = { snapshot: 0, resumed: 0 };
    return counts;
  }

  private answerOf(room: Room, sequence: number | null): Answer | null {
    const made = this.made.get(room) ?? new Map<number | null, Answer | null>();
    this.made.set(room, made);
    const known = made.get(sequence);
    const answer = known === undefined ? this.makeAnswer(room, sequence) : known;
    made.set(sequence, answer);
    return answer;
  }

  private makeAnswer(room: Room, sequence: number | null): Answer | null {
    if (sequence === null) {
      const snapshot = this.source.snapshot(room);
      return snapshot && { kind: 'snapshot', message: snapshot };
    }
    const message = this.source.changesSince(room, sequence);
    return message === null ? this.answerOf(room, null) : { kind: 'resumed', message };
  }
}
