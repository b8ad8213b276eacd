import type { Page } from "../services/shared/schema.ts";

/** A client as the outside world writes one: HTTP and nothing else. */
export interface Reply<T = Record<string, never>> {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what the test is about.
  body: T extends Record<string, never> ? any : T;
}

/** It is an answer, and does not ask to come again. */
const isAnswered = ({ status, headers }: Reply): boolean => status !== 503 || !headers.has("retry-after");

export class Client {
  /** Hears every answer before the one who has asked. */
  static onReply: (asked: { method: string; path: string }, reply: Reply) => Promise<void> = async () => {};

  readonly url: string;
  /** They go with every request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly #isPatient: boolean;
  #token: string | undefined;

  /** Whoever is patient comes again where a shop that has too much to do says so. */
  constructor(url: string, headers: Record<string, string> = {}, { isPatient = false } = {}) {
    this.url = url;
    this.headers = headers;
    this.#isPatient = isPatient;
  }

  /** The same person at another door. */
  at(url: string): Client {
    const other = new Client(url, this.headers, { isPatient: this.#isPatient });
    other.#token = this.#token;
    return other;
  }

  /** The same person, with these headers on every request. */
  with(headers: Record<string, string>): Client {
    const other = new Client(this.url, { ...this.headers, ...headers }, { isPatient: this.#isPatient });
    other.#token = this.#token;
    return other;
  }

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    if (!this.#isPatient) return this.#sendOnce(method, path, body, headers);
    // With a key it may be said again, whatever came of it. An order has one, or is to be refused.
    const key = method === "POST" && path !== "/v1/orders" ? { "idempotency-key": crypto.randomUUID() } : {};
    const ask = () => this.#sendOnce(method, path, body, { ...key, ...headers });
    return until(ask, isAnswered);
  }

  async #sendOnce(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<Reply> {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(this.#token ? { authorization: `Bearer ${this.#token}` } : {}),
        ...this.headers,
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const isJson = /json/.test(answer.headers.get("content-type") ?? "");
    const reply = { status: answer.status, headers: answer.headers, text, body: isJson ? JSON.parse(text) : undefined };
    await Client.onReply({ method, path }, reply);
    return reply;
  }

  get(path: string, headers?: Record<string, string>): Promise<Reply> {
    return this.send("GET", path, undefined, headers);
  }

  post(path: string, body: unknown = {}, headers?: Record<string, string>): Promise<Reply> {
    return this.send("POST", path, body, headers);
  }

  /** What is at a path. Comes again where it is told to. @throws where it cannot be had. */
  async read<T>(path: string): Promise<T> {
    const { status, body, text } = await until(() => this.#sendOnce("GET", path, undefined, {}), isAnswered);
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
    return body as T;
  }

  /** A list with all its pages. @throws where one of them cannot be had. */
  async all<T>(path: string): Promise<T[]> {
    const all: T[] = [];
    for (let cursor = ""; ; ) {
      const { data, nextCursor } = await this.read<Page<T>>(`${path}?limit=100${cursor}`);
      all.push(...data);
      if (!nextCursor) return all;
      cursor = `&cursor=${encodeURIComponent(nextCursor)}`;
    }
  }

  /** Comes again where it is told to. */
  async login(email: string, password: string): Promise<this> {
    const ask = () => this.post("/v1/auth/login", { email, password });
    const { status, body, text } = await until(ask, isAnswered);
    if (status !== 200) throw new Error(`no login: ${status} ${text}`);
    this.#token = body.accessToken;
    return this;
  }

  /** Places an order under a key of its own, or the one given. */
  buy(order: object, key = `key-${crypto.randomUUID()}`): Promise<Reply> {
    return this.post("/v1/orders", order, { "idempotency-key": key });
  }
}

export const adminOf = (url: string): Promise<Client> =>
  new Client(url).login("admin@lonja.test", "correct horse battery");

export const address = { name: "Ada Byron", line1: "1 Quay Street", city: "Vigo", postalCode: "36201", country: "ES" };

export const anOrder = (token = "tok_visa", quantity = 1, sku = "MUG", email = "ada@example.com") => ({
  email,
  lines: [{ sku, quantity }],
  shippingAddress: address,
  payment: { token },
});

/** A mug for 19.00 EUR, as many as the test wants. */
export async function stockMugs(admin: Client, units: number, sku = "MUG"): Promise<void> {
  const product = {
    title: `A ${sku.toLowerCase()}`,
    status: "active",
    variants: [{ sku, price: { amount: 1900, currency: "EUR" } }],
  };
  const made = await admin.post("/v1/admin/products", product);
  if (made.status !== 201) throw new Error(`no product: ${made.status} ${made.text}`);
  const stocked = await admin.post(`/v1/admin/inventory/${sku}/adjustments`, { delta: units, reason: "delivery" });
  if (stocked.status !== 200) throw new Error(`no stock: ${stocked.status} ${stocked.text}`);
}

/** Asks again until the answer is as wanted; a test that waits for nothing else gives up after `tries`. */
export async function until<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean, tries = 200): Promise<T> {
  for (let n = 0; ; n++) {
    const answer = await ask();
    if (wanted(answer) || n >= tries) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Whatever was told has been heard. */
export const drained = (admin: Client) =>
  until(
    () => admin.get("/metrics"),
    ({ text }) => !/^lonja_outbox_waiting\{[^}]*\} [1-9]/m.test(text),
  );
