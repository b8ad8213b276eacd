/** A client as the outside world writes one: HTTP and nothing else. */
export interface Reply<T = Record<string, never>> {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what the test is about.
  body: T extends Record<string, never> ? any : T;
}

export class Client {
  readonly url: string;
  readonly #headers: Record<string, string>;
  #token: string | undefined;

  /** `headers` go with every request. */
  constructor(url: string, headers: Record<string, string> = {}) {
    this.url = url;
    this.#headers = headers;
  }

  /** The same person at another door. */
  at(url: string): Client {
    const other = new Client(url, this.#headers);
    other.#token = this.#token;
    return other;
  }

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(this.#token ? { authorization: `Bearer ${this.#token}` } : {}),
        ...this.#headers,
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const isJson = /json/.test(answer.headers.get("content-type") ?? "");
    return { status: answer.status, headers: answer.headers, text, body: isJson ? JSON.parse(text) : undefined };
  }

  get(path: string, headers?: Record<string, string>): Promise<Reply> {
    return this.send("GET", path, undefined, headers);
  }

  post(path: string, body: unknown = {}, headers?: Record<string, string>): Promise<Reply> {
    return this.send("POST", path, body, headers);
  }

  async login(email: string, password: string): Promise<this> {
    const { status, body, text } = await this.post("/v1/auth/login", { email, password });
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
