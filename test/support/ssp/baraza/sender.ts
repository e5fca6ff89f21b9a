// What it sends in a session: queued, in order, tried again with the same transaction ID until it expires
// (observed-peer.md section 11, the last rows).

import { beginSetup } from './setup.ts';
import { sessionToPeer, type Peer, type Queued, type QueueName, type Sent } from './state.ts';
import { requestDocument, responseDocument, type Answered } from './write.ts';

export interface NewRequest {
  readonly queue: QueueName;
  readonly primitive: string;
  readonly content: string;
  /** A notice to a client counts on; a request of a client ends in 0. */
  readonly notice?: boolean;
  readonly messageId?: string;
  /** Milliseconds; as the options say when absent. */
  readonly lifeMs?: number;
}

/** Queues a request of its own. */
export function send(peer: Peer, request: NewRequest): Sent {
  const { state, settings } = peer;
  const last = request.notice === true ? ++state.nextNotice : 0;
  const sent: Sent = {
    transactionId: `${String(state.nextTransaction++).padStart(10, '0')}-${last}`,
    primitive: request.primitive,
    messageId: request.messageId,
    state: 'queued',
    attempts: 0,
    answers: [],
  };
  state.sent.set(sent.transactionId, sent);
  enqueue(peer, {
    queue: request.queue,
    document: { kind: 'request', content: request.content, sent },
    attempts: 0,
    dueAt: 0,
    expiresAt: Date.now() + (request.lifeMs ?? settings.lifeMs),
    refused: false,
  });
  return sent;
}

/** Queues the answers to one POST. The header will name the session of the *other* side. */
export function answer(
  peer: Peer,
  ownSessionId: string,
  theirSessionId: string,
  answers: readonly Answered[],
): void {
  if (answers.length === 0) return;
  enqueue(peer, {
    queue: 'answers',
    document: { kind: 'answer', body: responseDocument(ownSessionId, answers), theirSessionId },
    attempts: 0,
    dueAt: 0,
    expiresAt: Date.now() + peer.settings.lifeMs,
    refused: false,
  });
}

function enqueue(peer: Peer, entry: Queued): void {
  peer.state.queue.push(entry);
  void runQueue(peer, entry.queue);
}

/** Takes up everything that waits: at a start. */
export function runQueues(peer: Peer): void {
  for (const queue of new Set(peer.state.queue.map((entry) => entry.queue))) void runQueue(peer, queue);
}

async function runQueue(peer: Peer, queue: QueueName): Promise<void> {
  const { runtime } = peer;
  if (!runtime.alive || runtime.busy.has(queue)) return;
  runtime.busy.add(queue);
  for (let entry = nextDue(peer, queue); entry !== undefined; entry = nextDue(peer, queue)) {
    await tryOnce(peer, entry);
    if (!runtime.alive) return;
  }
  runtime.busy.delete(queue);
  wakeUp(peer, queue);
}

/** Sets the alarm for the first of those that nothing but time holds up. */
function wakeUp(peer: Peer, queue: QueueName): void {
  const { wakes } = peer.runtime;
  clearTimeout(wakes.get(queue));
  const waiting = peer.state.queue.filter((entry) => entry.queue === queue);
  const holdsUp = waiting.findIndex((entry) => !entry.refused);
  const free = holdsUp < 0 ? waiting : waiting.slice(0, holdsUp + 1);
  if (free.length === 0) return;
  const delay = Math.min(...free.map((entry) => entry.dueAt)) - Date.now();
  wakes.set(
    queue,
    setTimeout(() => void runQueue(peer, queue), Math.max(1, delay)),
  );
}

/** The first that may go. What could not be delivered holds up those behind it; what was refused does not. */
function nextDue({ state }: Peer, queue: QueueName): Queued | undefined {
  const now = Date.now();
  for (const entry of state.queue) {
    if (entry.queue !== queue) continue;
    if (entry.dueAt <= now) return entry;
    if (!entry.refused) return undefined;
  }
  return undefined;
}

const drop = (peer: Peer, entry: Queued): void => {
  peer.state.queue = peer.state.queue.filter((one) => one !== entry);
};

async function tryOnce(peer: Peer, entry: Queued): Promise<void> {
  const { document } = entry;
  const { runtime, settings } = peer;
  if (entry.expiresAt <= Date.now()) {
    if (document.kind === 'request') document.sent.state = 'expired';
    return drop(peer, entry);
  }
  const outcome = await post(peer, entry);
  if (!runtime.alive) return;
  if (outcome === 200) {
    if (document.kind === 'request') document.sent.state = 'sent';
    return drop(peer, entry);
  }
  entry.refused = typeof outcome === 'number';
  // Waiting for a session is no attempt.
  if (outcome !== 'no session') entry.attempts++;
  entry.dueAt = Date.now() + Math.max(1, entry.attempts) * settings.retryMs;
}

async function post(peer: Peer, entry: Queued): Promise<number | 'closed' | 'no session'> {
  const { document } = entry;
  const { poster } = peer.runtime;
  if (document.kind === 'answer') {
    if (peer.peerUrl === undefined) return 'closed';
    return await poster.post(peer.peerUrl, document.body, { sessionId: document.theirSessionId });
  }
  const session = sessionToPeer(peer);
  if (session === undefined || peer.peerUrl === undefined) {
    beginSetup(peer);
    return 'no session';
  }
  const { transactionId } = document.sent;
  document.sent.attempts++;
  const body = requestDocument(session.ownSessionId, transactionId, document.content);
  return await poster.post(peer.peerUrl, body, { transactionId, sessionId: session.ownSessionId });
}
