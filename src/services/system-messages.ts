// Messages of the operator to a user, and his answers (1.3; csp-transactions section 11).

import type { Log } from '../ops/ports.ts';
import type { NewQueueEntry, SystemMessage } from '../store/store.ts';
import type { MessageId, UserAddress } from '../wv/ids.ts';
import { OK, result, type Result } from '../wv/status.ts';
import type { Home } from './home.ts';
import type { Messaging } from './messaging.ts';

/** What an operator asks to send. */
export interface SystemMessageDraft {
  /** At most 1,000 characters: phones show it in a dialogue, and their parsers are small. */
  readonly text: string;
  /** Answers to choose from, at most 10; numbered from 1. Such a message waits until it is answered or expires. */
  readonly options?: readonly string[];
  /** A question whose answer proves that a person reads it; compared without regard to case. */
  readonly verification?: { readonly question: string; readonly key: string };
  /** Seconds until it is given up. */
  readonly validity: number;
}

const MAX_TEXT = 1_000;
const MAX_OPTIONS = 10;

/** Why a draft cannot be sent; undefined = it can. */
export function refusedDraft({ text, options = [], verification }: SystemMessageDraft): string | undefined {
  const texts = [text, ...options, ...(verification === undefined ? [] : Object.values(verification))];
  if (texts.some((each) => each.trim() === '' || each.length > MAX_TEXT)) {
    return `a text is empty or longer than ${MAX_TEXT} characters`;
  }
  return options.length > MAX_OPTIONS ? `more than ${MAX_OPTIONS} options` : undefined;
}

/** The entry that waits for the user. */
export function systemMessageEntry(
  recipient: UserAddress,
  draft: SystemMessageDraft,
  id: MessageId,
  now: number,
): NewQueueEntry {
  const { text, options = [], verification, validity } = draft;
  const notice: SystemMessage = {
    primitive: 'SystemMessage',
    id,
    text,
    options,
    requiresResponse: options.length > 0 || verification !== undefined,
    ...(verification === undefined ? {} : { verification }),
    sentAt: now,
  };
  return { recipient, messageId: id, expiresAt: now + validity * 1000, item: { kind: 'notice', notice } };
}

/** Queues a message for a local user and hands it to his live clients. 402 draft, 507 queue full, 531 unknown user. */
export async function sendSystemMessage(
  messaging: Messaging,
  recipient: UserAddress,
  draft: SystemMessageDraft,
  now: number,
): Promise<Result> {
  const refusal = refusedDraft(draft);
  if (refusal !== undefined) return result(402, refusal);
  const { messageId, expiresAt, item } = systemMessageEntry(recipient, draft, messaging.newMessageId(), now);
  return item.kind === 'notice'
    ? messaging.notify(recipient, messageId, expiresAt, item.notice)
    : result(500);
}

export interface SystemMessageAnswer {
  readonly option: number | undefined;
  readonly key: string | undefined;
}

/**
 * The user answered: the operator finds the answer in the log, the message is gone. 426 no such message waits;
 * 402 the answer is missing, none of the options, or the key is wrong: the message stays.
 */
export async function answerSystemMessage(
  { messaging, log }: { readonly messaging: Messaging; readonly log: Log },
  home: Home,
  id: MessageId,
  { option, key }: SystemMessageAnswer,
): Promise<Result> {
  const entry = await messaging.waitingNotice(home, id);
  if (entry?.item.kind !== 'notice' || entry.item.notice.primitive !== 'SystemMessage') return result(426);
  const { options, verification } = entry.item.notice;
  const chosen = option === undefined ? undefined : options[option - 1];
  if (options.length > 0 && chosen === undefined) return result(402, 'ChosenOptionID');
  if (verification !== undefined && !sameKey(key, verification.key)) return result(402, 'VerificationKey');
  log.info({ user: home.address, systemMessage: id, option, chosen }, 'system message answered');
  await messaging.noticeTaken(home, entry);
  return OK;
}

function sameKey(given: string | undefined, wanted: string): boolean {
  return given?.trim().toLowerCase() === wanted.trim().toLowerCase();
}
