// XML that must not be in an XMPP stream (RFC 6120 section 11.1): document types, comments, processing instructions.

/** How these may begin, and nothing else after `<!` and `<?`. */
const ALLOWED = ['<![CDATA[', '<?xml '] as const;
const MARKUP = /<(?:[!?]|$)/g;

/**
 * Watches the text of a stream for what is not allowed. The parser would skip it unseen, and with it all stanzas until
 * its end. CDATA that itself holds `<!` or `<?` is taken for it; servers write text escaped.
 */
export class RestrictedXml {
  /** The end of what came before, if it may be the beginning of something. */
  #begun = '';

  /** True when the text, after all before it, holds something that is not allowed. */
  isIn(text: string): boolean {
    const whole = this.#begun + text;
    this.#begun = '';
    for (const { index } of whole.matchAll(MARKUP)) {
      const found = whole.slice(index, index + 9);
      if (ALLOWED.some((allowed) => found.startsWith(allowed))) continue;
      const isUndecided = ALLOWED.some((allowed) => allowed.startsWith(found));
      if (!isUndecided) return true;
      this.#begun = found;
    }
    return false;
  }
}
