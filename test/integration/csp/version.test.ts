// Versions that are not spoken here (csp-status-codes: 505).

import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestHouse, type TestHouse } from '../../support/house.ts';

let house: TestHouse;
beforeAll(async () => {
  house = await startTestHouse({ users: [] });
});
afterAll(() => house.stop());

async function poll(namespace: string): Promise<string> {
  const response = await fetch(house.url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/vnd.wv.csp.xml' },
    body:
      `<WV-CSP-Message xmlns="${namespace}"><Session><SessionDescriptor><SessionType>Outband</SessionType>` +
      '</SessionDescriptor><Transaction><TransactionDescriptor><TransactionMode>Request</TransactionMode>' +
      '<TransactionID>7</TransactionID></TransactionDescriptor><TransactionContent><GetSPInfo-Request/>' +
      '</TransactionContent></Transaction></Session></WV-CSP-Message>',
  });
  return response.text();
}

it('505 for a version that is not served, quoting the transaction', async () => {
  const answer = await poll('http://www.openmobilealliance.org/DTD/IMPS-CSP2.0');
  expect(answer).toContain('<Code>505</Code>');
  expect(answer).toContain('<TransactionID>7</TransactionID>');
});

it.each([
  'http://www.wireless-village.org/CSP1.1',
  // COMPAT(Nokia): a constant of its engine lacks /DTD.
  'http://www.openmobilealliance.org/WV-CSP1.2',
  'http://www.openmobilealliance.org/DTD/IMPS-CSP1.3',
  'urn:something-else',
])('serves %s', async (namespace) => {
  expect(await poll(namespace)).toContain('GetSPInfo-Response');
});
