// Search and StopSearch (csp-transactions 2.1).

import type { SearchPair } from '../../../services/search-criteria.ts';
import type { SearchPage } from '../../../services/search.ts';
import type { Result } from '../../../wv/status.ts';
import type { CspVersion } from '../../../wv/version.ts';
import { statusElement, statusOf } from '../answers.ts';
import { buildElement, type Body } from '../codec/binding.ts';
import type { CspSession } from '../session.ts';
import { inSession, type Handlers } from '../transaction.ts';

/** 1.3 may hold pairs one level deeper. A pair with half of it missing is 402. */
function pairsOf(body: Body<'Search-Request'>): readonly SearchPair[] | undefined {
  const pairs: SearchPair[] = [];
  for (const list of body.SearchPairList ?? []) {
    const nested = list.SearchPair ?? [];
    const own = list.SearchElement !== undefined || list.SearchString !== undefined || nested.length === 0;
    for (const { SearchElement, SearchString } of own ? [list, ...nested] : nested) {
      if (SearchElement === undefined || SearchString === undefined) return undefined;
      pairs.push({ element: SearchElement.toUpperCase(), text: SearchString });
    }
  }
  return pairs;
}

function isPage(outcome: SearchPage | Result): outcome is SearchPage {
  return 'page' in outcome;
}

/** 562 came with 1.3; before, no usable criterion is a bad parameter. */
function refusal(outcome: Result, version: CspVersion) {
  if (outcome.code !== 562 || version === '1.3') return statusElement(outcome, version);
  return statusOf(402, version, 'No usable search criterion');
}

function resultsOf({ page }: SearchPage): Body<'SearchResult'> | undefined {
  if (page.all.length === 0) return undefined;
  return page.kind === 'users'
    ? { UserList: { User: page.all.map((user) => ({ UserID: user })) } }
    : { GroupList: { GroupID: [...page.all] } };
}

/** Octets of an answer without results, and of one result with markup, in XML: a generous guess. */
const ENVELOPE = 600;
const PER_RESULT = 120;

/** The most results that the client's parser takes in one answer. */
function roomOf({ parserSize }: CspSession['capabilities']): number {
  return Math.max(1, Math.floor((parserSize - ENVELOPE) / PER_RESULT));
}

const search = inSession(
  'Search-Request',
  async ({ services, session, version }, body) => {
    const searcher = session.home.address;
    const { SearchID, SearchIndex } = body;
    // The grammar of AdvancedCriteria is not known here: rather no answer than a wrong one.
    if (body.AdvancedCriteria !== undefined) {
      return statusOf(501, version, 'AdvancedCriteria is not implemented');
    }
    const pairs = pairsOf(body);
    if (pairs === undefined) return statusOf(402, version, 'SearchElement or SearchString is missing');
    const size = { wanted: body.SearchLimit, room: roomOf(session.capabilities) };
    const outcome =
      SearchID === undefined
        ? await services.search.begin(searcher, pairs, size)
        : services.search.continue(searcher, SearchID, SearchIndex, size);
    if (!isPage(outcome)) return refusal(outcome, version);
    const results = resultsOf(outcome);
    return buildElement(
      'Search-Response',
      {
        ...(outcome.searchId === undefined ? {} : { SearchID: outcome.searchId }),
        SearchFindings: outcome.total,
        CompletionFlag: outcome.complete,
        SearchIndex: outcome.index,
        ...(results === undefined ? {} : { SearchResult: results }),
      },
      version,
    );
  },
  'SRCH',
);

const stopSearch = inSession(
  'StopSearch-Request',
  ({ services, session, version }, { SearchID }) =>
    statusOf(services.search.stop(session.home.address, SearchID) ? 200 : 424, version),
  'STSRC',
);

export const searchTransactions: Handlers = {
  'Search-Request': search,
  'StopSearch-Request': stopSearch,
};
