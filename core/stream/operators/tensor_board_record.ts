/** CRC-32C of each byte: the polynomial is 0x1edc6f41, bits reversed. */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0x82f63b78 : 0);
  return sum;
});

/** Bytes before the data of a record, its length and that one's checksum, and behind it. */
const [head, tail] = [12, 4];

/**
 * The checksum of records, CRC-32C.
 *
 * Source: RFC 3720, appendix B.4, which has known answers.
 */
export function crc32c(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = (sum >>> 8) ^ table[(sum ^ byte) & 0xff];
  return (sum ^ 0xffffffff) >>> 0;
}

/**
 * A TFRecord: length (8 bytes, little-endian), masked checksum of the length, data, masked checksum
 * of the data.
 *
 * @param data What the record holds.
 * @returns The record.
 */
export function encodeRecord(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(head + data.length + tail);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, masked(bytes.subarray(0, 8)), true);
  bytes.set(data, head);
  view.setUint32(head + data.length, masked(data), true);
  return bytes;
}

/**
 * Where records end in a file.
 *
 * @param bytes The file.
 * @param start Where the first of them begins.
 * @param most Records to go over.
 * @returns The place behind the last of them, or behind those that are whole, if there are fewer.
 */
export function endOfRecords(bytes: Uint8Array, start: number, most = Infinity): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = start;
  for (let count = 0; count < most && end + head + tail <= bytes.length; count++) {
    const length = Number(view.getBigUint64(end, true));
    const next = end + head + length + tail;
    if (view.getUint32(end + 8, true) !== masked(bytes.subarray(end, end + 8))) break;
    if (next > bytes.length) break;
    const data = bytes.subarray(end + head, next - tail);
    if (view.getUint32(next - tail, true) !== masked(data)) break;
    end = next;
  }
  return end;
}

/** Masked, as the checksum of data that hold checksums says little. */
function masked(bytes: Uint8Array): number {
  const sum = crc32c(bytes);
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0;
}
