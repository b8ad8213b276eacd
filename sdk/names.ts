/** What an operation is called in the client: a group, and a name in it. */
export interface Name {
  isAdmins: boolean;
  group: string;
  name: string;
}

/** Where the rule would give a name under which nobody would look. */
const given: Readonly<Record<string, string>> = {
  "orders.place": "place",
  "catalog.archive": "archive",
  "catalog.startImport": "start",
  "doctor.examine": "examine",
  "doctor.repair": "repair",
  "inventory.adjust": "adjust",
  "payments.refund": "refund",
};

const plain: Readonly<Record<string, string>> = { get: "get", post: "create", patch: "update", delete: "delete" };
const ofPart: Readonly<Record<string, string>> = { get: "", post: "add", patch: "update", delete: "delete" };

/**
 * By its path. What has nothing behind the group's own record is called by its method: `products.list`, `products.update`.
 * A part of the record is called by its name: `orders.events`, `webhookEndpoints.delivery`, `carts.addLine`; and what is
 * done with it by its verb: `orders.cancel`. Undefined for what is no part of the versioned API.
 */
export function nameOf(operationId: string, method: string, path: string, isList: boolean): Name | undefined {
  const [, admin, group, rest = ""] = /^\/v1\/(admin\/)?([\w-]+)(.*)$/.exec(path) ?? [];
  if (!group) return undefined;
  const parts = rest
    .replace(/^\/\{\w+\}/, "")
    .split("/")
    .filter(Boolean);
  const isOne = parts.at(-1)?.startsWith("{") ?? false;
  const part = parts.findLast((one) => !one.startsWith("{"));
  const name = given[operationId] ?? (part ? partOf(part, method, isOne) : isList ? "list" : (plain[method] ?? method));
  return { isAdmins: admin !== undefined, group: camel(group), name: camel(name) };
}

function partOf(part: string, method: string, isOne: boolean): string {
  const one = singular(part);
  // A verb is no list of things.
  if (method === "get" ? !isOne : method === "post" && one === part) return part;
  return [ofPart[method] ?? method, one].filter(Boolean).join("-");
}

const singular = (word: string): string =>
  word
    .replace(/ies$/, "y")
    .replace(/(ss|x|ch|sh)es$/, "$1")
    .replace(/([^s])s$/, "$1");

const camel = (text: string): string => text.replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase());
