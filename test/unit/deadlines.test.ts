import { performance } from "node:perf_hooks";
import { deadlines } from "../../bus/deadline.middleware.ts";
import { noFigures } from "../../services/shared/figures.ts";

type Handle = (command: string, packet: object) => unknown;

/** A node that others send packets to, and what of it is begun. */
function openNode() {
  const figures = noFigures();
  const begun: unknown[] = [];
  const { transitMessageHandler } = deadlines({ figures }) as unknown as {
    transitMessageHandler(next: Handle): Handle;
  };
  const handle = transitMessageHandler((_command, packet) => void begun.push(packet));
  const arrive = (command: string, clock: number, upMs: number) =>
    handle(command, { type: command, payload: { sender: "gateway", clock, sentAt: upMs, timeout: 5_000 } });
  return { figures, begun, arrive };
}

describe("a node that has the name of an earlier one", () => {
  const anHourMs = 3_600_000;

  test("is listened to from its first call, however long the earlier one was up", () => {
    const { figures, begun, arrive } = openNode();
    const now = performance.now();
    arrive("HEARTBEAT", 1, now + anHourMs);
    arrive("REQ", 2, now);

    expect([begun.length, figures.lateCalls]).toEqual([2, 0]);
  });

  test("is known by its clock: of one that has run on, such a call would be late", () => {
    const { figures, begun, arrive } = openNode();
    const now = performance.now();
    arrive("HEARTBEAT", 1, now + anHourMs);
    arrive("REQ", 1, now);

    expect([begun.length, figures.lateCalls]).toEqual([1, 1]);
  });
});
