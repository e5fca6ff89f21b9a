// Content that is made to fit one client before its message becomes ready. Meanwhile the messages of other senders
// pass; those of the same sender wait, for order holds per sender.

import type { MessageId } from '../../wv/ids.ts';
import type { Message, MessageContent } from '../../wv/message.ts';
import type { Attachments, Wish } from '../../services/content/attachments.ts';
import type { NewQueueEntry } from '../../store/store.ts';
import type { Capabilities } from './capabilities.ts';
import { fitting } from './fitting.ts';

/** What makes content fit: the content service. */
export type Adapter = Pick<Attachments, 'adapted'>;

interface Prepared {
  readonly wish: string;
  /** 'none': it cannot be had, so the message is announced. */
  outcome: 'under way' | 'none' | MessageContent;
}

/** Messages of one client that are prepared or wait for it prepared: bounds memory. */
const MAX_PREPARED = 4;

export class Preparation {
  private readonly adapter: Adapter | undefined;
  private readonly capabilities: (message: Message) => Capabilities;
  private readonly onReady: () => void;
  private readonly prepared = new Map<MessageId, Prepared>();

  /** `capabilities` are asked anew each time: clients negotiate when messages wait already. */
  constructor(
    adapter: Adapter | undefined,
    capabilities: (message: Message) => Capabilities,
    onReady: () => void,
  ) {
    this.adapter = adapter;
    this.capabilities = capabilities;
    this.onReady = onReady;
  }

  /** True when the entry can be put into words now; if not, its preparation has begun or begins when there is room. */
  isReady({ item, messageId }: NewQueueEntry): boolean {
    if (item.kind !== 'message' || this.adapter === undefined) return true;
    const fit = fitting(item.message, this.capabilities(item.message));
    if (fit.kind !== 'adapt') return true;
    const key = keyOf(fit.wish);
    const known = this.prepared.get(messageId);
    if (known?.wish === key) return known.outcome !== 'under way';
    if (known === undefined && !this.makeRoom()) return false;
    const begun: Prepared = { wish: key, outcome: 'under way' };
    this.prepared.set(messageId, begun);
    void this.adapter.adapted(item.message, fit.wish).then((content) => {
      begun.outcome = content ?? 'none';
      if (this.prepared.get(messageId) === begun) this.onReady();
    });
    return false;
  }

  /** Those asked about first go out first, so the place of what was prepared last is given up for an earlier one. */
  private makeRoom(): boolean {
    if (this.prepared.size < MAX_PREPARED) return true;
    const last = [...this.prepared].findLast(([, { outcome }]) => outcome !== 'under way');
    return last !== undefined && this.prepared.delete(last[0]);
  }

  /** The prepared content of a message that is handed out; undefined = there is none. */
  take(messageId: MessageId, wish: Wish): MessageContent | undefined {
    const known = this.prepared.get(messageId);
    if (known === undefined || known.wish !== keyOf(wish) || known.outcome === 'under way') return undefined;
    this.prepared.delete(messageId);
    return known.outcome === 'none' ? undefined : known.outcome;
  }

  forget(messageId: MessageId): void {
    this.prepared.delete(messageId);
  }
}

function keyOf({ types, maxBytes }: Wish): string {
  return `${maxBytes} ${types?.join() ?? '*'}`;
}
