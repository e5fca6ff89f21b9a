// What is said in rooms, ours and those of others, as messages for phones: told like messages of a chat, in parts when it
// is long, with the file that is shared (bridging section 4).

import { trusted } from '../../src/wv/ids.ts';
import type { MessageId } from '../../src/wv/ids.ts';
import type { MessageContent } from '../../src/wv/message.ts';
import type { Bridge } from './bridge.ts';
import type { ChatMemory } from './chat-memory.ts';
import { Compositions } from './compositions.ts';
import type { Composition, RoomLetter } from './compositions.ts';
import type { IncomingFiles } from './files/incoming-files.ts';
import { fileReferenceOf, withoutLink } from './files/links.ts';
import { partIdOf } from './message-ids.ts';
import { splitText } from '../bridging/split-text.ts';

/** One message of ours that a message in a room becomes. */
export interface RoomPiece {
  readonly id: MessageId;
  readonly content: MessageContent;
}

export interface RoomText {
  readonly pieces: readonly RoomPiece[];
  /** With the file in place of its link; undefined = there is none, or it cannot be had in time. */
  withFile(): Promise<readonly RoomPiece[] | undefined>;
  /** It was handed on: what is told once is not told again. */
  handedOn(): Promise<void>;
}

/** All of a room waits for a file: longer than this it is a link. */
const FILE_MS = 5_000;

/** What rooms share with chats. */
export interface RoomTextParts {
  readonly memory: ChatMemory;
  /** Without it links to files are text. */
  readonly files?: IncomingFiles;
}

export class RoomTexts {
  readonly #bridge: Bridge;
  readonly #files: IncomingFiles | undefined;
  readonly #compositions: Compositions;

  constructor(bridge: Bridge, { memory, files }: RoomTextParts) {
    this.#bridge = bridge;
    this.#files = files;
    this.#compositions = new Compositions(bridge, memory);
  }

  /** @param id the MessageID that it has in one piece. Undefined: nothing for phones; counted. */
  async compose(letter: RoomLetter, id: MessageId): Promise<RoomText | undefined> {
    const composition = await this.#compositions.compose(letter);
    if ('leftOut' in composition) {
      const { metrics } = this.#bridge.relay;
      metrics.count('xmpp_stanzas_dropped_total', { reason: composition.leftOut });
      return undefined;
    }
    return {
      pieces: this.#inParts(composition.text, id),
      withFile: () => this.#withFile(letter, composition, id),
      handedOn: () => this.#compositions.handedOn(letter, composition, id),
    };
  }

  #inParts(text: string, whole: MessageId): readonly RoomPiece[] {
    const parts = splitText(text, this.#bridge.settings.splitText);
    return parts.map((data, index, { length: count }) => ({
      id: partIdOf({ whole, index, count }),
      content: { contentType: 'text/plain', encoding: 'none', data },
    }));
  }

  async #withFile(
    { incoming }: RoomLetter,
    { text }: Composition,
    id: MessageId,
  ): Promise<readonly RoomPiece[] | undefined> {
    const file = fileReferenceOf(incoming.stanza);
    if (file === undefined || this.#files === undefined) return undefined;
    const { promise: late, resolve: giveUp } = Promise.withResolvers<undefined>();
    const cancel = this.#bridge.relay.clock.after(FILE_MS, () => giveUp(undefined));
    try {
      const content = await Promise.race([this.#files.fetchInRoom(incoming.from, file), late]);
      if (content === undefined) return undefined;
      const caption = withoutLink(text, file.url);
      const words = caption === '' ? [] : this.#inParts(caption, trusted<MessageId>(`${id}-c`));
      return [{ id: trusted<MessageId>(`${id}-f`), content }, ...words];
    } finally {
      cancel();
    }
  }
}
