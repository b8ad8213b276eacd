import {
  changed,
  ended,
  endpointView,
  foundWanting,
  isForgotten,
  type KeptEndpoint,
  registered,
  rotated,
  secretsAt,
} from "../../services/notifications/endpoint.ts";

const HOUR = 3_600_000;
const start = Date.parse("2026-01-01T12:00:00.000Z");
const iso = (ms: number) => new Date(ms).toISOString();
const endpoint: KeptEndpoint = {
  ...registered(
    { url: "https://hooks.example.com/a", eventTypes: ["order.confirmed"], description: "ERP" },
    { id: "whe_01k00000000000000000000009", place: 7, secret: "whsec_first", requestKey: "a-digest", now: iso(start) },
  ),
  version: 1,
};
const nothing = { waiting: 0, dead: 0 };

describe("a webhook endpoint", () => {
  test("what staff see has no secret in it, and nothing that is ours", () => {
    const view = endpointView(rotated(endpoint, "whsec_second", start, HOUR), nothing, iso(start));
    expect(JSON.stringify(view)).not.toMatch(/whsec_|a-digest|enabledAt|state|place/);
    expect(view).toMatchObject({ enabled: true, disabledReason: null, oldSecretUntil: iso(start + HOUR) });
  });

  test("a change that changes nothing writes nothing", () => {
    expect(changed(endpoint, {}, iso(start))).toBe(endpoint);
    expect(changed(endpoint, { url: endpoint.url, eventTypes: ["order.confirmed"], enabled: true }, iso(start))).toBe(
      endpoint,
    );
    expect(changed(endpoint, { description: "CRM" }, iso(start + 1))).toMatchObject({
      description: "CRM",
      updatedAt: iso(start + 1),
    });
  });

  test("it is switched off with a reason, and on without one", () => {
    const off = foundWanting(endpoint, endpoint, "gone", iso(start + 1));
    expect(endpointView(off, nothing, iso(start))).toMatchObject({ enabled: false, disabledReason: "gone" });
    expect(foundWanting(off, endpoint, "failing", iso(start + 2))).toBe(off);
    expect(changed(off, { enabled: true }, iso(start + 2))).toMatchObject({
      state: "enabled",
      disabledReason: null,
      enabledAt: iso(start + 2),
    });
    expect(changed(endpoint, { enabled: false }, iso(start)).disabledReason).toBe("staff");
  });

  test("after a rotation both secrets count, until the old one ends", () => {
    const both = rotated(endpoint, "whsec_second", start, 24 * HOUR);
    expect(secretsAt(both, iso(start + 23 * HOUR))).toEqual(["whsec_second", "whsec_first"]);
    expect(secretsAt(both, iso(start + 24 * HOUR))).toEqual(["whsec_second"]);
  });

  test.each([
    ["at another address", changed(endpoint, { url: "https://hooks.example.com/b" }, iso(start + 1))],
    [
      "switched on again",
      changed(changed(endpoint, { enabled: false }, iso(start + 1)), { enabled: true }, iso(start + 2)),
    ],
  ])("one that staff have put %s while it was asked is not switched off for the old answer", (_how, now) => {
    expect(foundWanting(now, endpoint, "gone", iso(start + 3))).toBe(now);
    expect(foundWanting(now, now, "gone", iso(start + 3))).toMatchObject({ state: "disabled", disabledReason: "gone" });
  });

  test("a secret that somebody else has ends at once, with all that are older", () => {
    const twice = rotated(rotated(endpoint, "whsec_second", start, 24 * HOUR), "whsec_third", start, 0);
    expect(secretsAt(twice, iso(start))).toEqual(["whsec_third"]);
  });

  test("a second rotation gives an old secret no longer life, and there are never many", () => {
    const twice = rotated(rotated(endpoint, "whsec_2", start, HOUR), "whsec_3", start, 24 * HOUR);
    expect(secretsAt(twice, iso(start + 2 * HOUR))).toEqual(["whsec_3", "whsec_2"]);
    const often = ["4", "5", "6"].reduce((one, n) => rotated(one, `whsec_${n}`, start, 24 * HOUR), twice);
    expect(secretsAt(often, iso(start))).toEqual(["whsec_6", "whsec_5", "whsec_4"]);
  });

  test("of one that has ended nothing is left but that it was there, and that for a while", () => {
    const over = ended(endpoint, iso(start));
    expect(JSON.stringify(over)).not.toMatch(/whsec_|hooks\.example|ERP|a-digest/);
    expect(isForgotten(over, start + 60_000)).toBe(false);
    expect(isForgotten(over, start + HOUR)).toBe(true);
    expect(isForgotten(endpoint, start + HOUR)).toBe(false);
  });
});
