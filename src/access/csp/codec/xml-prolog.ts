// What stands before the root element: declaration, comments, processing instructions, DOCTYPE.
import { CodecError } from './errors.ts';

export interface Prolog {
  /** Where the root element begins. */
  readonly end: number;
  /** The document type declaration as it stands, or ''. */
  readonly doctype: string;
}

const MISC = /\s+|<\?[^]*?\?>|<!--[^]*?-->/y;
const DOCTYPE = '<!DOCTYPE';

/** Finds the root element, over everything in front of it. Throws CodecError. */
export function readProlog(text: string): Prolog {
  let end = 0;
  let doctype = '';
  for (;;) {
    MISC.lastIndex = end;
    const skipped = MISC.exec(text)?.[0].length ?? 0;
    end += skipped;
    if (text.startsWith(DOCTYPE, end)) {
      if (doctype !== '') throw new CodecError('doctype', 'second DOCTYPE', end);
      const start = end;
      end = endOfDoctype(text, start);
      doctype = text.slice(start, end);
    } else if (skipped === 0) {
      return { end, doctype };
    }
  }
}

/**
 * The end of the DOCTYPE that begins at `start`. An internal subset could define entities, so it is refused;
 * beyond that the declaration says nothing we need and is not checked.
 * COMPAT(baraza): writes it without the word PUBLIC, which no XML parser takes.
 */
function endOfDoctype(text: string, start: number): number {
  for (let at = start; at < text.length; at += 1) {
    const character = text[at];
    if (character === '>') return at + 1;
    if (character === '[') throw new CodecError('doctype', 'DOCTYPE with an internal subset', at);
    if (character === '"' || character === "'") {
      at = text.indexOf(character, at + 1);
      if (at < 0) break;
    }
  }
  throw new CodecError('malformed', 'unfinished DOCTYPE', start);
}
