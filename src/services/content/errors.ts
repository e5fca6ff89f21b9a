// Why the content service refuses something.

/**
 * `too-large`: one item; `quota`: the area is full; `type`: not stored here, or not what it says; `infected`: the
 * scanner's word; `scanner`: it could not be asked; `name`: cannot be one; `taken`: another item has it;
 * `cut-off`: the upload ended early; `busy`: too many uploads at once; `gone`: deleted meanwhile.
 */
export type ContentRefusal =
  'too-large' | 'quota' | 'type' | 'infected' | 'scanner' | 'name' | 'taken' | 'cut-off' | 'busy' | 'gone';

export class ContentError extends Error {
  override readonly name = 'ContentError';
  readonly refusal: ContentRefusal;

  constructor(refusal: ContentRefusal, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.refusal = refusal;
  }
}
