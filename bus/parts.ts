/** What is added to a packet: whether it is whole or a part, and of a part which one of which packet. */
const WHOLE = 0;
const PART = 1;
const ID_BYTES = 12;
const PART_HEAD_BYTES = 1 + ID_BYTES + 2 + 2;
/** Message brokers take a megabyte, as they come; NATS refuses more, Kafka as well. */
const PART_BYTES = 512 * 1024;
const MOST_PARTS = 128;
const LONGEST_WAIT_MS = 30_000;
const MOST_UNFINISHED_BYTES = 256 * 1024 * 1024;

/** A packet that not even parts can carry: nobody would put it together. */
export class PacketTooLarge extends Error {
  override readonly name = "PacketTooLarge";
}

/** A packet as it goes out: in one piece, or in parts of half a megabyte. `id` is 12 random bytes. */
export function cut(packet: Buffer, id: () => Buffer, partBytes = PART_BYTES): Buffer[] {
  if (packet.length <= partBytes) return [Buffer.concat([Buffer.from([WHOLE]), packet])];
  const count = Math.ceil(packet.length / partBytes);
  if (count > MOST_PARTS) throw new PacketTooLarge(`A packet of ${packet.length} bytes is too large for the bus.`);
  const head = Buffer.concat([Buffer.from([PART]), id(), Buffer.alloc(4)]);
  return Array.from({ length: count }, (_, index) => {
    const mine = Buffer.from(head);
    mine.writeUInt16BE(index, 1 + ID_BYTES);
    mine.writeUInt16BE(count, 1 + ID_BYTES + 2);
    return Buffer.concat([mine, packet.subarray(index * partBytes, (index + 1) * partBytes)]);
  });
}

interface Unfinished {
  parts: (Buffer | undefined)[];
  missing: number;
  bytes: number;
  since: number;
}

/** Puts packets together again, whatever the order of their parts. What stays unfinished is forgotten. */
export class Parts {
  readonly #unfinished = new Map<string, Unfinished>();
  #bytes = 0;

  /** The packet, where this completes it. Undefined: more has to come, or it is no packet of ours. */
  take(piece: Buffer, now: number): Buffer | undefined {
    if (piece[0] === WHOLE) return piece.subarray(1);
    if (piece[0] !== PART || piece.length < PART_HEAD_BYTES) return undefined;
    this.#forgetOld(now);
    const id = piece.toString("hex", 1, 1 + ID_BYTES);
    const index = piece.readUInt16BE(1 + ID_BYTES);
    const count = piece.readUInt16BE(1 + ID_BYTES + 2);
    const known = this.#unfinished.get(id);
    if (count > MOST_PARTS || index >= count || (known && known.parts.length !== count)) return undefined;
    const packet = known ?? this.#begin(id, count, now);
    if (packet.parts[index]) return undefined;
    packet.parts[index] = piece.subarray(PART_HEAD_BYTES);
    packet.missing--;
    packet.bytes += piece.length;
    this.#bytes += piece.length;
    if (packet.missing > 0) return undefined;
    this.#forget(id, packet);
    return Buffer.concat(packet.parts as Buffer[]);
  }

  #begin(id: string, count: number, since: number): Unfinished {
    const packet = { parts: new Array<Buffer | undefined>(count).fill(undefined), missing: count, bytes: 0, since };
    this.#unfinished.set(id, packet);
    return packet;
  }

  /** The oldest stand first. Where too much is unfinished, the oldest have to go. */
  #forgetOld(now: number): void {
    for (const [id, packet] of this.#unfinished) {
      if (packet.since + LONGEST_WAIT_MS > now && this.#bytes <= MOST_UNFINISHED_BYTES) return;
      this.#forget(id, packet);
    }
  }

  #forget(id: string, packet: Unfinished): void {
    this.#unfinished.delete(id);
    this.#bytes -= packet.bytes;
  }
}
