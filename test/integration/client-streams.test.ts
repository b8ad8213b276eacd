import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { inMemory, Lonja, SignedOutError } from "../../sdk/src/index.ts";

const id = "ord_0000000000000001";
const entry = (n: number) => ({ at: "2026-03-01T12:00:00.000Z", type: `step_${n}` });
const sse = (n: number) => `id: t${n}\nevent: step_${n}\ndata: ${JSON.stringify(entry(n))}\n\n`;
const refused = (response: ServerResponse, status: number, code: string, headers = {}) =>
  response
    .writeHead(status, { "content-type": "application/problem+json", ...headers })
    .end(JSON.stringify({ type: "", title: "", detail: "", requestId: "", status, code }));

describe("a stream", () => {
  let server: Server;
  let shop: Lonja;
  let asked: IncomingMessage[];
  /** How the server answers the request with this number, beginning with 1; `from` is the number of the next event. */
  let answer: (response: ServerResponse, n: number, from: number) => unknown;
  let open: ServerResponse[];

  beforeEach(async () => {
    asked = [];
    open = [];
    server = createServer((request, response) => {
      if (request.url === "/v1/auth/refresh") return refused(response, 401, "invalid_token");
      open.push(response);
      const n = asked.push(request);
      const last = String(request.headers["last-event-id"] ?? "t0");
      return answer(response, n, Number(last.slice(1)) + 1);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    shop = new Lonja({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, pauseMs: 1 });
  });
  afterEach(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  });

  const begin = (response: ServerResponse) =>
    response.writeHead(200, { "content-type": "text/event-stream" }).write("retry: 1\n\n");

  async function take(count: number, options = {}): Promise<string[]> {
    const types: string[] = [];
    for await (const { type } of shop.orders.stream(id, options)) if (types.push(type) >= count) break;
    return types;
  }
  const steps = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_none, n) => `step_${from + n}`);

  test("goes on behind the last event that arrived whole, wherever the connection breaks", async () => {
    answer = (response, _n, from) => {
      begin(response);
      const whole = [from, from + 1, from + 2].map(sse).join("");
      const half = sse(from + 3);
      response.write(whole + half.slice(0, (from * 7) % half.length), () => response.destroy());
    };

    expect(await take(60)).toEqual(steps(1, 60));
    expect(asked[0]?.headers["last-event-id"]).toBeUndefined();
    expect(asked[1]?.headers["last-event-id"]).toBe("t3");
  });

  test("is asked for with the guest's token, and goes on where it was left another time", async () => {
    answer = (response, _n, from) => begin(response) && response.write([from, from + 1, from + 2].map(sse).join(""));

    expect(await take(3, { guestToken: "abc", lastEventId: "t7" })).toEqual(steps(8, 10));
    expect(asked[0]?.headers).toMatchObject({ "x-guest-token": "abc", "last-event-id": "t7" });
    expect(asked[0]?.url).toBe(`/v1/orders/${id}/stream`);
  });

  test("tells where it stands, also while an item is worked on", async () => {
    answer = (response, _n, from) => begin(response) && response.write([from, from + 1].map(sse).join(""));
    const stream = shop.orders.stream(id);
    const places: unknown[] = [];
    for await (const _item of stream) if (places.push(stream.lastEventId) === 2) break;
    for await (const _item of stream) if (places.push(stream.lastEventId) === 3) break;

    expect(places).toEqual(["t1", "t2", "t3"]);
    expect(asked[1]?.headers["last-event-id"]).toBe("t2");
  });

  test("whoever leaves it closes it", async () => {
    answer = (response, _n, from) => begin(response) && response.write(sse(from));
    await take(1);

    await once(open[0] as ServerResponse, "close");
    expect(asked).toHaveLength(1);
  });

  test("ends with the reason when it is aborted", async () => {
    answer = (response, _n, from) => begin(response) && response.write(sse(from));
    const controller = new AbortController();
    const reason = new Error("enough");
    const follow = async () => {
      for await (const _item of shop.orders.stream(id, { signal: controller.signal })) controller.abort(reason);
    };

    await expect(follow()).rejects.toBe(reason);
  });

  test("outlives a shop that is away, is busy, or answers with something else", async () => {
    const answers = [
      (response: ServerResponse) => response.destroy(),
      (response: ServerResponse) => refused(response, 503, "unavailable"),
      (response: ServerResponse) => refused(response, 429, "too_many_requests"),
      (response: ServerResponse) => response.writeHead(502).end("bad gateway"),
      (response: ServerResponse) => response.writeHead(200, { "content-type": "text/html" }).end("<h1>hello</h1>"),
      (response: ServerResponse) => begin(response) && response.end(),
      (response: ServerResponse) => begin(response) && response.end("id: t1\ndata: {broken\n\n"),
    ];
    answer = (response, n, from) =>
      answers[n - 1]?.(response) ?? (begin(response) && response.write(sse(from) + sse(from + 1)));

    expect(await take(2)).toEqual(steps(1, 2));
    expect(asked).toHaveLength(answers.length + 1);
  });

  test("of which nothing is heard any more is asked for again", async () => {
    answer = (response, _n, from) => begin(response) && response.write(sse(from));

    expect(await take(3, { silenceMs: 50 })).toEqual(steps(1, 3));
    expect(asked).toHaveLength(3);
  });

  test("that says now and then that it is still there is waited for, and so is a slow reader", async () => {
    answer = (response, _n, from) => {
      begin(response);
      let beats = 0;
      const beat = setInterval(() => {
        beats++;
        response.write(beats < 8 ? ": still here\n\n" : sse(from + beats - 8));
        if (beats === 10) clearInterval(beat);
      }, 20);
    };
    const types: string[] = [];
    for await (const { type } of shop.orders.stream(id, { silenceMs: 100 })) {
      await new Promise((resolve) => setTimeout(resolve, 150));
      if (types.push(type) === 3) break;
    }

    expect(types).toEqual(steps(1, 3));
    expect(asked).toHaveLength(1);
  });

  test("that is refused on its merits ends", async () => {
    answer = (response) => refused(response, 404, "not_found");

    await expect(take(1)).rejects.toMatchObject({ name: "Refusal", code: "not_found" });
    expect(asked).toHaveLength(1);
  });

  test("ends with the session in which it was begun", async () => {
    const session = inMemory();
    await session.set({ userId: "usr_ada", accessToken: "a", refreshToken: "r", expiresAt: Date.now() + 600_000 });
    shop = new Lonja({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, session });
    answer = (response) => refused(response, 401, "invalid_token");

    await expect(take(1)).rejects.toThrow(SignedOutError);
    expect(await session.get()).toBeUndefined();
  });
});
