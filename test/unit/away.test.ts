import { isOfSystem } from "../../mixins/patience.ts";

/** A name that cannot be resolved for a moment, as in a cluster that replaces its database, was answered 500 once. */
describe("a store that the system cannot reach is away", () => {
  test.each(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN"])("%s", (code) =>
    expect(isOfSystem(Object.assign(new Error(code), { code }))).toBe(true),
  );

  test.each(["ERR_INVALID_ARG_TYPE", "ERR_SOCKET_BAD_PORT", "23505", 42, undefined])("and it is not: %s", (code) =>
    expect(isOfSystem(Object.assign(new Error("other"), { code }))).toBe(false),
  );
});
