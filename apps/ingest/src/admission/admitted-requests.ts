import type { IncomingMessage } from 'node:http';
import { announcedBytes, principalOf, refuseBody, type ProblemError } from '@hailstream/nest';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Admission, Visit } from './admission.js';

/** The visits of requests that Fastify serves. */
export class AdmittedRequests {
  private readonly visits = new WeakMap<IncomingMessage, Visit>();

  constructor(
    readonly admission: Admission,
    private readonly bodyLimitBytes: number,
  ) {}

  /**
   * Admits a request that was authenticated, before its body is read.
   *
   * @throws ProblemError if it is refused
   */
  admit(request: FastifyRequest, reply: FastifyReply): Visit {
    const known = this.visits.get(request.raw);
    if (known !== undefined) return known;
    const { raw } = request;
    const sizeBytes = announcedBytes(raw, this.bodyLimitBytes);
    const visit = this.admission.enter(principalOf(request)?.providerId, sizeBytes, (problem) =>
      refuseBody(raw, problem),
    );
    this.visits.set(raw, visit);
    raw.once('end', () => this.admission.arrive(visit));
    reply.raw.once('close', () => this.admission.leave(visit));
    void reply.headers(this.admission.headersOf(visit));
    return visit;
  }

  /** Runs work on the body of a request, whose size is known, when it is its provider's turn, or calls `onRefused`. */
  run(request: FastifyRequest, { sizeBytes, work, onRefused }: BodyWork): void {
    const visit = this.visits.get(request.raw);
    if (visit === undefined) {
      work();
      return;
    }
    this.admission.resize(visit, sizeBytes);
    this.admission.run(visit, work, onRefused);
  }
}

/** Work on the body of a request. */
export interface BodyWork {
  readonly sizeBytes: number;
  readonly work: () => void;
  readonly onRefused: (problem: ProblemError) => void;
}
