// News of groups for a client, in the words of its version (csp-transactions section 8).

import type { Element } from '../../wv/element.ts';
import type { GroupChangeNotice } from '../../wv/primitives.ts';
import { resultBody } from './answers.ts';
import { buildElement } from './codec/binding.ts';
import type { Composed } from './compose.ts';
import { joinedElement, leftElement, propertyElements } from './group-forms.ts';
import type { GroupNews } from './group-news.ts';
import type { CspSession } from './session.ts';
import { xmlSize } from './xml-size.ts';

/** `room`: octets of XML that it may take; what does not fit is left for later. */
export function composeNews(session: CspSession, news: GroupNews, room: number): Composed {
  if (news.primitive === 'LeaveGroupIndication') {
    const content = buildElement(
      'LeaveGroup-Response',
      { GroupID: news.group, Result: resultBody(news.result) },
      session.version,
    );
    return { content, outbound: { kind: 'news', news } };
  }
  const content = noticeElement(session, news);
  const [first, rest] = xmlSize(content) > room ? halves(news) : [news];
  if (rest === undefined) return { content, outbound: { kind: 'news', news } };
  const composed = composeNews(session, first, room);
  const later = composed.rest?.kind === 'news' ? joinedAgain(composed.rest.news, rest) : rest;
  return { ...composed, rest: { kind: 'news', news: later } };
}

function noticeElement(session: CspSession, notice: GroupChangeNotice): Element {
  const { group, joined, left, properties } = notice;
  return buildElement(
    'GroupChangeNotice',
    {
      GroupID: group,
      ...(joined.length === 0 ? {} : { Joined: joinedElement(session, group, joined) }),
      ...(left.length === 0 ? {} : { Left: leftElement(session, group, left) }),
      ...(properties === undefined ? {} : { GroupProperties: { Property: propertyElements(properties) } }),
    },
    session.version,
  );
}

/** Two notices instead of one; one that cannot be split stays as it is, however long. */
function halves(notice: GroupChangeNotice): readonly [GroupChangeNotice, GroupChangeNotice?] {
  const { properties, ...changes } = notice;
  const { joined, left } = changes;
  const total = joined.length + left.length;
  if (properties !== undefined && total > 0) return [changes, { ...notice, joined: [], left: [] }];
  if (total < 2) return [notice];
  const half = Math.ceil(total / 2);
  const inFirst = Math.min(half, joined.length);
  return [
    { ...changes, joined: joined.slice(0, inFirst), left: left.slice(0, half - inFirst) },
    { ...changes, joined: joined.slice(inFirst), left: left.slice(half - inFirst) },
  ];
}

function joinedAgain(first: GroupNews, second: GroupChangeNotice): GroupChangeNotice {
  if (first.primitive !== 'GroupChangeNotice') return second;
  return {
    ...second,
    joined: [...first.joined, ...second.joined],
    left: [...first.left, ...second.left],
    ...(first.properties === undefined ? {} : { properties: first.properties }),
  };
}
