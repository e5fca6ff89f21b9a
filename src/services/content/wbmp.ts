// WBMP type 0 (WAE specification, appendix A): black and white, the format of the first WAP phones.

/** Of 0 to 255: what is darker is black. */
const THRESHOLD = 128;

/** Multi-byte integer of WAP: 7 bits an octet, the highest first. */
function multiByte(value: number): number[] {
  const octets = [value & 0x7f];
  for (let rest = value >> 7; rest > 0; rest >>= 7) octets.unshift((rest & 0x7f) | 0x80);
  return octets;
}

/** One octet of grey per pixel in, row by row; errors are spread to the neighbours (Floyd and Steinberg). */
export function encodeWbmp(grey: Uint8Array, width: number, height: number): Buffer {
  const header = [0, 0, ...multiByte(width), ...multiByte(height)];
  const stride = Math.ceil(width / 8);
  const octets = Buffer.alloc(header.length + stride * height);
  octets.set(header);
  const light = Float32Array.from(grey);
  const spread = (x: number, y: number, error: number) => {
    const at = y * width + x;
    if (x >= 0 && x < width && y < height) light[at] = (light[at] ?? 0) + error;
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = light[y * width + x] ?? 0;
      const white = value >= THRESHOLD;
      const error = (value - (white ? 255 : 0)) / 16;
      spread(x + 1, y, error * 7);
      spread(x - 1, y + 1, error * 3);
      spread(x, y + 1, error * 5);
      spread(x + 1, y + 1, error);
      const at = header.length + y * stride + (x >> 3);
      if (white) octets[at] = (octets[at] ?? 0) | (0x80 >> (x & 7));
    }
  }
  return octets;
}
