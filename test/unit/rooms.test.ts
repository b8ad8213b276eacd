import { contracts } from "../../services/contracts.ts";
import { pages } from "../../services/gateway/pages.edge.ts";
import { plan, Room, Rooms, roomOf } from "../../services/gateway/rooms.ts";
import { routesOf } from "../../services/gateway/routes.ts";
import type { Contract } from "../../services/shared/contract.ts";
import type { Pulse } from "../../services/shared/pulse.ts";

/** An event loop as a test wants it. */
class Loop implements Pulse {
  time = 0;
  late = 0;
  number = 1;
  inTurn = 0;
  now = () => this.time;
  lateMs = () => this.late;
  turn = () => this.number;
  turnMs = () => this.inTurn;

  next(): void {
    this.number++;
    this.inTurn = 0;
  }
}

/** How many of those who come are let in. */
function letIn(room: Room, count: number): number {
  let came = 0;
  for (let n = 0; n < count; n++)
    if (room.admits()) {
      room.enter();
      came++;
    }
  return came;
}
const leave = (room: Room, count: number) => Array.from({ length: count }, () => room.leave());

describe("the room for one kind of request", () => {
  const open = () => {
    const loop = new Loop();
    return { loop, room: new Room(plan.checkout, loop) };
  };

  test("while the loop is punctual there is room for a burst, and not without end", () => {
    const { room } = open();

    expect(letIn(room, 10_000)).toBe(256);
    leave(room, 1);
    expect(letIn(room, 10)).toBe(1);
  });

  test("while it is late, as many are inside as are served while somebody is ready to wait", () => {
    const { loop, room } = open();
    letIn(room, 200);
    loop.time = 1_000;
    leave(room, 100);
    loop.late = 100;

    // A hundred a second are seventy-five in the time.
    expect(letIn(room, 1_000)).toBe(0);
    leave(room, 40);
    expect(letIn(room, 1_000)).toBe(15);
  });

  test("a few come in however slow everything is", () => {
    const { loop, room } = open();
    loop.late = 1_000;
    loop.time = 60_000;

    expect(letIn(room, 1_000)).toBe(16);
  });

  test("a loop that is punctual again lets everybody in at once", () => {
    const { loop, room } = open();
    loop.late = 1_000;
    letIn(room, 1_000);
    loop.late = 0;

    expect(letIn(room, 100)).toBe(100);
  });

  test("those who are served at once are held up when they make a turn too long for the others", () => {
    const { loop, room } = open();
    const browse = () => {
      let served = 0;
      while (room.admits()) {
        room.enter();
        room.leave();
        served++;
        loop.inTurn += 1;
      }
      loop.next();
      return served;
    };
    expect(browse()).toBe(200);
    loop.late = 100;
    expect([browse(), browse()]).toEqual([60, 60]);
  });

  test("a turn in which somebody else has taken the processor away keeps nobody out who comes alone", () => {
    const { loop, room } = open();
    loop.late = 1_000;
    loop.inTurn = 5_000;

    expect(letIn(room, 1_000)).toBe(4);
  });

  test("what is let in and not worked on yet takes no place, and what is too much then is refused", () => {
    const { room } = open();
    for (let n = 0; n < 1_000; n++) expect(room.admits()).toBe(true);
    for (let n = 0; n < 256; n++) room.enter();

    expect(() => room.enter()).toThrow(expect.objectContaining({ type: "unavailable" }));
    expect(room.inside).toBe(256);
  });
});

describe("the rooms", () => {
  test("every route is held to one, but those by which one sees how the shop is", () => {
    const paths = [...routesOf(contracts as Record<string, Contract>), ...pages].map(({ path }) => path);
    const without = paths.filter((path) => roomOf(path) === undefined);

    expect(new Set(without)).toEqual(new Set(["/health/live", "/health/ready", "/metrics"]));
  });

  test.each([
    ["/v1/products", "browse"],
    ["/v1/products/mug", "browse"],
    ["/v1/inventory/MUG", "browse"],
    ["/", "browse"],
    ["/v1", "browse"],
    ["/v1/ordersandmore", "browse"],
    ["/v1/orders", "checkout"],
    ["/v1/orders/ord_1/invoice", "checkout"],
    ["/v1/payments/pay_1", "checkout"],
    ["/v1/auth/login", "signIn"],
    ["/v1/auth/password/reset", "signIn"],
    ["/v1/auth/refresh", "accounts"],
    ["/v1/me", "accounts"],
    ["/v1/admin/orders", "office"],
    ["/v1/webhooks/payments/sandbox", "news"],
  ])("%s is held to %s", (path, room) => {
    expect(roomOf(path)).toBe(room);
  });

  test("a full room leaves the others theirs", () => {
    const rooms = new Rooms(new Loop());
    while (rooms.admits("browse")) rooms.enter("browse");

    expect(rooms.admits("checkout")).toBe(true);
  });

  test("a flood of news, which anyone can send, takes no place from orders, nor from those under way", () => {
    const rooms = new Rooms(new Loop());
    rooms.begin("mine");
    while (rooms.admits(rooms.roomFor("/v1/webhooks/payments/nobody", undefined) as "news")) rooms.enter("news");

    expect(rooms.admits(rooms.roomFor("/v1/orders", "mine") as "underWay")).toBe(true);
    expect(rooms.admits(rooms.roomFor("/v1/orders", "yours") as "checkout")).toBe(true);
  });

  test("who comes again for an order under way goes before those who come for the first time", () => {
    const rooms = new Rooms(new Loop());
    rooms.begin("mine");
    while (rooms.admits("checkout")) rooms.enter("checkout");

    expect(rooms.admits(rooms.roomFor("/v1/orders", "mine") as "underWay")).toBe(true);
    expect(rooms.admits(rooms.roomFor("/v1/orders", "yours") as "checkout")).toBe(false);
    // A key opens no other door.
    expect(rooms.roomFor("/v1/products", "mine")).toBe("browse");
  });

  test.each([
    [503, "underWay"],
    [201, "checkout"],
    [402, "checkout"],
    [422, "checkout"],
    [404, "checkout"],
  ])("an order that was answered with %d is held to %s when it comes again", (status, room) => {
    const rooms = new Rooms(new Loop());
    rooms.begin("mine");
    rooms.answered("mine", status);

    expect(rooms.roomFor("/v1/orders", "mine")).toBe(room);
  });

  test("keys that nobody comes again with take no memory without end", () => {
    const rooms = new Rooms(new Loop());
    for (let n = 0; n <= 10_000; n++) rooms.begin(`key-${n}`);

    expect(rooms.roomFor("/v1/orders", "key-0")).toBe("checkout");
    expect(rooms.roomFor("/v1/orders", "key-1")).toBe("underWay");
  });
});
