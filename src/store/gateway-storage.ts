// The durable state that a gateway gets from the server.

import type { MessageId } from '../wv/ids.ts';

/** An event of the far network, kept until it has been handled. */
export interface InboxEvent {
  /** The far network's id, unique per gateway: an event with a known id is dropped. */
  readonly id: string;
  /** Events of one conversation are handled in order. */
  readonly conversation: string;
  readonly payload: string;
}

/** Durable state of one gateway. A resolved promise of a writing method means: on disk. */
export interface GatewayStorage {
  get(key: string): Promise<string | undefined>;
  put(key: string, value: string): Promise<void>;
  delete(key: string): Promise<void>;
  /** All entries whose key starts with the prefix, by key. */
  list(prefix: string): Promise<readonly (readonly [key: string, value: string])[]>;

  /**
   * Remembers that the far network knows a message as `remoteId` in `conversation` (kept 30 days).
   * False when that remote id is already linked: the event is a repeat or our own echo.
   */
  link(conversation: string, remoteId: string, messageId: MessageId): Promise<boolean>;
  messageOf(conversation: string, remoteId: string): Promise<MessageId | undefined>;
  remoteOf(
    messageId: MessageId,
  ): Promise<{ readonly conversation: string; readonly remoteId: string } | undefined>;

  /** Commits new events in one transaction, dropping ids seen before (30 days). Returns the new ones, in order. */
  receive(events: readonly InboxEvent[]): Promise<readonly InboxEvent[]>;
  /** Events received but not done, oldest first (after a restart). */
  unhandled(): Promise<readonly InboxEvent[]>;
  /** Marks an event handled. */
  handled(id: string): Promise<void>;
}
