// News of groups for a client, in the words of its version (csp-transactions section 8).

import type { Element } from '../../wv/element.ts';
import { resultBody } from './answers.ts';
import { buildElement } from './codec/binding.ts';
import type { GroupNews } from './outbound.ts';
import type { CspSession } from './session.ts';

export function composeNews(session: CspSession, news: GroupNews): Element {
  if (news.primitive === 'LeaveGroupIndication') {
    return buildElement(
      'LeaveGroup-Response',
      { GroupID: news.group, Result: resultBody(news.result) },
      session.version,
    );
  }
  return buildElement('GroupChangeNotice', { GroupID: news.group }, session.version);
}
