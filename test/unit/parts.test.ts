import fc from "fast-check";
import { cut, PacketTooLarge, Parts } from "../../bus/parts.ts";

const id = (n: number) => () => Buffer.alloc(12, n);

describe("packets in parts", () => {
  test("arrive as they were sent, in whatever order their parts come, and once", () => {
    const packets = fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(packets, fc.infiniteStream(fc.nat()), (sent, chance) => {
        const pieces = sent.flatMap((packet, n) => cut(Buffer.from(packet), id(n), 16));
        const mixed = pieces
          .map((piece) => ({ piece, place: chance.next().value ?? 0 }))
          .toSorted((a, b) => a.place - b.place);
        const parts = new Parts();
        const arrived = mixed.flatMap(({ piece }) => {
          const packet = parts.take(piece, 0);
          return packet ? [packet.toString("hex")] : [];
        });
        expect(arrived.toSorted()).toEqual(sent.map((packet) => Buffer.from(packet).toString("hex")).toSorted());
      }),
    );
  });

  test("a part that comes twice does not stand for another one", () => {
    const [first, second] = cut(Buffer.from("fish and bread"), id(1), 7);
    const parts = new Parts();
    expect([parts.take(first as Buffer, 0), parts.take(first as Buffer, 0)]).toEqual([undefined, undefined]);
    expect(parts.take(second as Buffer, 0)?.toString()).toBe("fish and bread");
  });

  test("what stays unfinished is forgotten, and so does not fill the memory", () => {
    const [first, second] = cut(Buffer.from("fish and bread"), id(1), 7);
    const [other] = cut(Buffer.from("another packet"), id(2), 7);
    const parts = new Parts();
    parts.take(first as Buffer, 0);
    parts.take(other as Buffer, 31_000);
    expect(parts.take(second as Buffer, 31_000)).toBeUndefined();
  });

  test("garbage is no packet", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const parts = new Parts();
        const taken = parts.take(Buffer.from([2, ...bytes]), 0);
        parts.take(Buffer.from([1, ...bytes]), 0);
        return taken === undefined;
      }),
    );
  });

  test("a packet that cannot be put together is not sent", () => {
    expect(() => cut(Buffer.alloc(129 * 16), id(1), 16)).toThrow(PacketTooLarge);
  });
});
