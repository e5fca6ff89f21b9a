// Message content as text, and text as XML.

import { cpuTime } from '../../support/cpu-time.ts';
import { describe, expect, test } from 'vitest';
import { textOfHtml } from '../../../adapters/bridging/html-text.ts';
import { bodyOf } from '../../../adapters/xmpp/text.ts';
import { serialize, stanza, stripIllegal, xml } from '../../../adapters/xmpp/xml.ts';
import { NS } from '../../../adapters/xmpp/namespaces.ts';

describe('the body for a content', () => {
  test('plain text is sent as it is, decoded if need be', () => {
    expect(bodyOf({ contentType: 'text/plain', encoding: 'none', data: 'ü 😀' })).toBe('ü 😀');
    const data = Buffer.from('ü 😀').toString('base64');
    expect(bodyOf({ contentType: 'Text/Plain; charset=utf-8', encoding: 'base64', data })).toBe('ü 😀');
  });

  test('anything else is named with its size', () => {
    const data = Buffer.alloc(12_000).toString('base64');
    expect(bodyOf({ contentType: 'image/jpeg', encoding: 'base64', data })).toBe(
      '[image/jpeg, 12 kB: cannot be shown here]',
    );
  });

  test('HTML becomes its words', () => {
    const html = '<p>Hello <b>you</b> &amp;amp; me</p><script>bad()</script><br/>1 &lt; 2 &#x1F600;';
    expect(textOfHtml(html)).toBe('Hello you &amp; me\n\n1 < 2 😀');
  });

  test.each(['<'.repeat(200_000), '<script'.repeat(50_000), '<!--'.repeat(50_000), ' '.repeat(200_000)])(
    'hostile HTML costs linear time',
    (html) => {
      const started = cpuTime();
      textOfHtml(html);
      expect(cpuTime() - started).toBeLessThan(1_000);
    },
  );
});

describe('XML', () => {
  test('characters that XML cannot hold are dropped', () => {
    expect(stripIllegal('a\u0000b\u0008c\ufffed\ud800e\tf\n😀')).toBe('abcde\tf\n😀');
  });

  test('text and attributes are escaped', () => {
    const element = stanza('message', { id: `"'<&\n` }, xml(NS.component, 'body', {}, '<&>"\r'));
    expect(serialize(element)).toBe(
      '<message id="&quot;&apos;&lt;&amp;&#10;"><body>&lt;&amp;&gt;"&#13;</body></message>',
    );
  });

  test('a namespace is declared where it changes', () => {
    const element = stanza('iq', {}, xml(NS.discoInfo, 'query', {}, xml(NS.discoInfo, 'feature')));
    expect(serialize(element)).toBe(`<iq><query xmlns="${NS.discoInfo}"><feature/></query></iq>`);
  });
});
