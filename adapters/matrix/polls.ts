// Polls (m.poll.start, m.poll.end, and MSC3381 before it became part of Matrix 1.7) as text. Pure.

import { isRecord, text } from './events.ts';

type Fields = Readonly<Record<string, unknown>>;

const STARTS = ['m.poll', 'org.matrix.msc3381.poll.start'] as const;
/** Answers that are listed: Matrix allows no more. */
const MAX_ANSWERS = 20;

/** `poll: Tea? (1) yes (2) no`; what the event has instead where it is malformed. */
export function pollText(content: Fields): string {
  const poll = STARTS.map((key) => content[key]).find(isRecord) ?? {};
  const question = isRecord(poll['question']) ? wordsIn(poll['question']) : '';
  if (question === '') return wordsIn(content);
  const answers = (Array.isArray(poll['answers']) ? poll['answers'] : [])
    .filter(isRecord)
    .slice(0, MAX_ANSWERS)
    .map((answer, index) => `(${index + 1}) ${wordsIn(answer)}`);
  return [`poll: ${question}`, ...answers].join(' ');
}

/** The result, as far as the client that ended the poll says it. */
export function pollEndText(content: Fields): string {
  return `poll ended: ${wordsIn(content)}`.replace(/: $/, '');
}

/** The text of extensible content: `m.text` as a list of representations, or the older single string. */
function wordsIn(fields: Fields): string {
  const listed = fields['m.text'];
  const representations = Array.isArray(listed) ? listed.filter(isRecord) : [];
  const plain = representations.find(({ mimetype }) => mimetype === undefined || mimetype === 'text/plain');
  const body = plain === undefined ? undefined : text(plain, 'body');
  return (body ?? text(fields, 'org.matrix.msc1767.text') ?? text(fields, 'body') ?? '').trim();
}
